//! `encbox man`, `encbox completions`, `--help`, `encbox demo`

use crate::support::*;

#[test]
fn a_page_for_every_command() {
    let scratch = Scratch::empty();
    scratch.run(&["man", "--dir", "man"]).ok();
    let pages = names(&scratch.path("man"));
    for page in ["encbox.1", "encbox-export.1", "encbox-new.1"] {
        assert!(pages.iter().any(|name| name == page), "{page}");
    }
    assert!(!pages.iter().any(|name| name == "encbox-guard.1"), "hidden commands have none");
    assert!(scratch.run(&["man"]).ok().text().contains("Exit codes"));
}

#[test]
fn completions_for_every_shell() {
    let scratch = Scratch::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(scratch.run(&["completions", shell]).ok().text().contains("password-stdin"));
    }
}

#[test]
fn the_exit_codes_are_in_the_help() {
    let help = Scratch::empty().run(&["--help"]).ok();
    assert!(help.text().contains("130  interrupted"));
}

#[test]
fn the_demo_runs() {
    let run = Scratch::empty().run(&["demo"]).ok();
    assert!(run.text().contains("note.md") && run.text().ends_with("which goes now.\n"), "{}", run.text());
}
