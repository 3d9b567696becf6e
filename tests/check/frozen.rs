//! Frozen volumes: nothing is found in the sound ones, and in the damaged ones what their manifest says, no more.

use crate::repairs::{mend_opened, plan_of};
use crate::support::manifest::{self, Damage, Vector};
use crate::support::process;
use crate::support::scratch::ScratchVolume;
use crate::support::tree::Node;
use crate::{findings, support};
use encbox::check::{Finding, Kind, Severity};
use encbox::config::Parameters;
use encbox::volume::{PlainPath, Volume};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a finding says, as far as a manifest knows it.
type Fact = (Kind, Severity, PathBuf);

pub(crate) fn for_each_vector(check: impl Fn(&Vector) + Sync) {
    let mut vectors = manifest::bundled();
    match manifest::third_party() {
        Some(others) => vectors.extend(others),
        None => process::say_loudly(
            "NOT TESTED: volumes of third parties (BoxCryptor, EncFS 1.7); they are not part of this repository",
        ),
    }
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let check = &check;
        let started: Vec<_> = vectors
            .iter()
            .map(|vector| {
                let run = std::thread::Builder::new().name(vector.name.clone());
                (vector, run.spawn_scoped(scope, move || check(vector)).unwrap())
            })
            .collect();
        let ended = started.into_iter().map(|(vector, thread)| (vector.name.as_str(), thread.join()));
        ended.filter(|(_, result)| result.is_err()).map(|(name, _)| name).collect()
    });
    assert!(failed.is_empty(), "{} of {} volumes failed: {failed:?}", failed.len(), vectors.len());
}

fn encode(volume: &Volume, path: &Path) -> PathBuf {
    volume.encode_path(&PlainPath::parse(path.as_os_str()).unwrap()).unwrap()
}

/// The kinds of finding that a name which is not part of a volume may be.
fn of_name(name: &str) -> (Kind, Severity) {
    match name {
        name if name.contains(" (conflicted copy ") => (Kind::ConflictedCopy, Severity::Warning),
        ".DS_Store" | "Thumbs.db" | "desktop.ini" => (Kind::Foreign, Severity::Note),
        // the manifest of that volume says that it decodes to a name that is there
        "AyRNNB9Z8TCTurZ" => (Kind::Alias, Severity::Warning),
        _ => (Kind::Undecodable, Severity::Warning),
    }
}

fn expected(vector: &Vector, encode: impl Fn(&Path) -> PathBuf) -> BTreeSet<Fact> {
    let names = vector.undecodable.iter().map(|path| {
        let (kind, severity) = of_name(path.to_str().unwrap());
        (kind, severity, path.clone())
    });
    // the conflicted copy among them holds seven bytes, which is no file of a volume with headers
    let copies =
        vector.undecodable.iter().filter(|path| path.to_str().unwrap().contains(" (conflicted copy "));
    let copies = copies.map(|path| (Kind::Truncated, Severity::Damage, path.clone()));
    let damaged = vector.damaged.iter().map(|(path, damage)| {
        let on_disk = encode(path);
        let cut = std::fs::metadata(vector.cipher.join(&on_disk)).unwrap().len() < 8;
        let kind = match damage {
            Damage::Header if cut => Kind::Truncated,
            Damage::Header => Kind::Header,
            Damage::Range { .. } => Kind::Mac,
        };
        (kind, Severity::Damage, on_disk)
    });
    names.chain(copies).chain(damaged).collect()
}

#[test]
fn what_is_wrong_is_found_and_nothing_else() {
    for_each_vector(|vector| {
        let copy = ScratchVolume::copy_of(&vector.cipher, &vector.password);
        let Ok(volume) = copy.try_open() else {
            assert!(vector.open.iter().any(|outcome| outcome != "ok"), "should open");
            return;
        };
        support::tree::restore_links(&vector.tree, &volume);
        let before = support::tree::of_folder(&copy.cipher());
        let encode = |path: &Path| encode(&volume, path);
        let expected = expected(vector, encode);
        let found: Vec<Finding> = findings(&volume);
        let facts = |finding: &Finding| (finding.kind, finding.severity, finding.path.clone());
        // zeros on disk and empty files are legal, and there are many of them
        let told = found.iter().filter(|finding| !matches!(finding.kind, Kind::ZeroBlocks | Kind::Empty));
        let told: BTreeSet<Fact> = told.map(facts).collect();
        assert_eq!(told, expected, "{found:#?}");
        for finding in found.iter().filter(|finding| matches!(finding.kind, Kind::ZeroBlocks | Kind::Empty)) {
            assert_eq!(finding.severity, Severity::Note, "{finding:?}");
        }
        for (path, damage) in &vector.damaged {
            if let Damage::Range { start, .. } = damage {
                let block = volume.layout().locate(*start).0;
                let finding = found.iter().find(|finding| finding.path == encode(path)).unwrap();
                assert!(matches!(&finding.blocks[..], [one] if *one == (block..block + 1)), "{finding:?}");
            }
        }
        let after = support::tree::of_folder(&copy.cipher());
        support::tree::assert_same("the ciphertext after checking", &before, &after);
    });
}

/// Some of the volumes went through a program that stores links as files, and so do volumes of people.
#[test]
fn links_that_became_files_are_found_and_become_links_again() {
    for_each_vector(|vector| {
        let copy = ScratchVolume::copy_of(&vector.cipher, &vector.password);
        let Ok(volume) = copy.try_open() else { return };
        let as_files: Vec<(&PathBuf, PathBuf)> = vector
            .tree
            .iter()
            .filter(|(_, node)| matches!(node, Node::Symlink { .. }))
            .map(|(path, _)| (path, encode(&volume, path)))
            .filter(|(_, on_disk)| std::fs::symlink_metadata(copy.cipher().join(on_disk)).unwrap().is_file())
            .collect();
        let Parameters { name_coding, .. } = volume.config().parameters();
        if name_coding.name == "nameio/null" || as_files.is_empty() {
            return; // a short target in the clear could be anything
        }
        let found = findings(&volume);
        let told: BTreeSet<&PathBuf> = found
            .iter()
            .filter(|finding| finding.kind == Kind::LinkFile)
            .map(|finding| &finding.path)
            .collect();
        assert_eq!(told, as_files.iter().map(|(_, on_disk)| on_disk).collect());
        let cannot_be_mended = plan_of(&volume, &[]).hopeless.len();
        mend_opened(
            &copy.cipher(),
            || copy.open(),
            &[],
            |mended, plan| {
                assert_eq!(plan.hopeless.len(), cannot_be_mended);
                let tree = support::tree::of_volume(mended).tree;
                for (path, _) in &as_files {
                    assert_eq!(tree.get(*path), vector.tree.get(*path), "{}", path.display());
                }
            },
        );
    });
}
