//! `encbox cat`

use crate::support::*;

#[test]
fn whole_files_one_after_the_other() {
    for profile in ["sync", "boxcryptor", "standard", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        let large = bytes(1_300_000);
        scratch.add("/large", &large);
        scratch.add("/empty", b"");
        scratch.add("/small", b"small");
        assert_eq!(
            scratch.run(&["cat", "V", "/large", "empty", "small"]).ok().stdout,
            [&large[..], b"small"].concat()
        );
    }
}

#[test]
fn ranges() {
    let scratch = Scratch::new();
    let content = bytes(20_000);
    scratch.add("/f", &content);
    for (range, expected) in [
        ("0-0", 0..1),
        ("4000-5000", 4000..5001),
        ("4088+4088", 4088..8176),
        ("19990-", 19_990..20_000),
        ("0-99999999", 0..20_000),
        ("20000-", 20_000..20_000),
        ("30000+5", 20_000..20_000),
    ] {
        assert_eq!(
            scratch.run(&["cat", "--range", range, "V", "/f"]).ok().stdout,
            content[expected],
            "{range}"
        );
    }
}
