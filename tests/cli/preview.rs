//! `encbox preview`

use crate::support::*;

#[test]
fn facts_and_text() {
    let scratch = Scratch::new();
    scratch.add("/notes/plan.md", b"# The plan\n\n- [x] begin\n- [ ] end\n");
    let run = scratch.run(&["preview", "V", "notes/plan.md"]).ok();
    assert!(run.text().starts_with("kind: markdown (text/markdown)\ntitle: The plan\n"), "{}", run.text());
    assert!(run.text().contains("☑ begin"), "{}", run.text());
    let text = scratch.run(&["preview", "--text", "V", "notes/plan.md"]).ok();
    assert!(text.text().starts_with("The plan"), "{}", text.text());
}

#[test]
fn json_and_html() {
    let scratch = Scratch::new();
    scratch.add("/a.csv", b"name;value\n<b>;2\n");
    let seen = scratch.run(&["preview", "--json", "V", "a.csv"]).ok().json();
    assert_eq!(seen["kind"], "table");
    assert_eq!(seen["body"]["table"][0]["rows"][1][0], "<b>");
    let page = scratch.run(&["preview", "--html", "V", "a.csv"]).ok();
    assert!(page.text().contains("default-src 'none'") && page.text().contains("<td>&lt;b&gt;</td>"));
}

#[test]
fn no_file_is_refused() {
    let scratch = Scratch::new();
    scratch.add("/noise", &bytes(5000));
    scratch.add("/empty", b"");
    let run = scratch.run(&["preview", "V", "noise"]).ok();
    assert!(run.text().contains("application/octet-stream") && run.text().contains("00000000  "));
    scratch.run(&["preview", "V", "empty"]).ok();
    scratch.run(&["preview", "V", "/"]).fails(10);
    scratch.run(&["preview", "V", "missing"]).fails(8);
}
