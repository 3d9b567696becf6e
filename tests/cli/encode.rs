//! `encbox encode` and `encbox decode`

use crate::support::*;

#[test]
fn there_and_back() {
    for profile in ["sync", "boxcryptor", "standard", "paranoia"] {
        let scratch = Scratch::with_profile(profile);
        let encoded = scratch.run(&["encode", "V", "/Letters/bank ä.odt"]).ok().text().trim_end().to_string();
        assert_eq!(encoded.split('/').count(), 2);
        assert_eq!(scratch.run(&["decode", "V", "--", &encoded]).ok().text(), "Letters/bank ä.odt\n");
        let absolute = scratch.path("V").join(&encoded);
        let root = scratch.path("V");
        let run = scratch.run(&["decode", root.to_str().unwrap(), absolute.to_str().unwrap()]).ok();
        assert_eq!(run.text(), "Letters/bank ä.odt\n");
        let pairs = scratch.run(&["encode", "--json", "V", "/Letters/bank ä.odt"]).ok().json();
        assert_eq!(pairs[0]["encrypted"], encoded);
    }
}
