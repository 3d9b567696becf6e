//! What ciphers and hashes take from this processor, for those who wonder about their speed.

/// The sets of instructions in use, the widest vectors first; empty where all is portable code.
pub fn instructions() -> Vec<&'static str> {
    listed()
}

#[cfg(target_arch = "x86_64")]
fn listed() -> Vec<&'static str> {
    use super::wide::{WideAes, WideSha1};

    let mut names = Vec::new();
    names.extend(WideSha1::detect().map(WideSha1::vectors));
    if WideAes::new(&[0; 16]).is_some() || is_x86_feature_detected!("vaes") {
        names.push("VAES");
    } else if is_x86_feature_detected!("aes") {
        names.push("AES-NI");
    }
    names.extend(is_x86_feature_detected!("sha").then_some("SHA"));
    names
}

#[cfg(target_arch = "aarch64")]
fn listed() -> Vec<&'static str> {
    // what the `aes` and `sha1` crates look for
    let mut names = Vec::new();
    names.extend(std::arch::is_aarch64_feature_detected!("aes").then_some("AES"));
    names.extend(std::arch::is_aarch64_feature_detected!("sha2").then_some("SHA"));
    names
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn listed() -> Vec<&'static str> {
    Vec::new()
}
