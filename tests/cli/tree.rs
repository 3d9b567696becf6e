//! `encbox tree`

use crate::support::*;

#[test]
fn a_drawing() {
    let scratch = Scratch::new();
    scratch.add("/a/b/deep", b"");
    scratch.add("/a/z", b"");
    scratch.add("/c", b"");
    scratch.add("/.hidden/x", b"");
    let expected = "/\n├── a\n│   ├── b\n│   │   └── deep\n│   └── z\n└── c\n";
    assert_eq!(scratch.run(&["tree", "V"]).ok().text(), expected);
    assert_eq!(scratch.run(&["tree", "V", "/a/b"]).ok().text(), "a/b\n└── deep\n");
    assert!(scratch.run(&["tree", "-a", "V"]).ok().text().contains("├── .hidden\n│   └── x\n"));
    assert_eq!(scratch.run(&["tree", "--json", "V"]).ok().json().as_array().unwrap().len(), 5);
}

#[test]
fn a_tree_deeper_than_any_stack() {
    let scratch = Scratch::new();
    let depth = 700;
    let path = "/d".repeat(depth);
    scratch.run(&["mkdir", "-p", "V", &path]).ok();
    assert_eq!(scratch.run(&["tree", "V"]).ok().lines().len(), depth + 1);
    scratch.run(&["export", "V", "out"]).ok();
    scratch.run(&["import", "V", "out", "/copy"]).ok();
    assert_eq!(scratch.paths().len(), 2 * depth + 1);
    scratch.run(&["rm", "-r", "V", "/d", "/copy"]).ok();
    assert_eq!(scratch.paths().len(), 0);
}
