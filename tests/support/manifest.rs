//! The manifest that lies beside frozen volumes: what is in them, and what must happen to the damaged ones.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use super::tree::Node;
use super::tree::Tree;

/// One frozen volume.
pub(crate) struct Vector {
    pub(crate) name: String,
    /// The ciphertext folder. Never to be written to: tests work on a copy.
    pub(crate) cipher: PathBuf,
    pub(crate) password: String,
    pub(crate) config: Value,
    /// Entries that can be read in full.
    pub(crate) tree: Tree,
    /// Ciphertext paths that are not part of the volume.
    pub(crate) undecodable: BTreeSet<PathBuf>,
    /// Entries of which something cannot be read.
    pub(crate) damaged: BTreeMap<PathBuf, Damage>,
    /// What may come of opening it: `ok`, or kinds of refusal.
    pub(crate) open: Vec<String>,
}

pub(crate) enum Damage {
    /// Opening or reading the file fails.
    Header,
    /// Reading inside the range fails; what lies before and after it is right.
    Range { size: u64, start: u64, end: u64, before_sha256: String, after_sha256: String },
}

/// The volumes bundled with the sources.
pub(crate) fn bundled() -> Vec<Vector> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    read(&vectors.join("manifest.json"), &vectors.join("volumes"))
}

/// The bundled volume of that name.
pub(crate) fn bundled_volume(name: &str) -> Vector {
    bundled().into_iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no volume {name}"))
}

/// Volumes of other programs that may lie beside the repository, but not in it.
pub(crate) fn third_party() -> Option<Vec<Vector>> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    let manifest = vectors.join("manifest.json");
    manifest.exists().then(|| read(&manifest, &vectors))
}

fn read(manifest: &Path, volumes: &Path) -> Vec<Vector> {
    let text = fs::read(manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let manifest: Value = serde_json::from_slice(&text).expect("the manifest is JSON");
    let intact = members(&manifest["volumes"]).map(|(name, volume)| vector(name.clone(), volume, volumes));
    let tampered = members(&manifest["tampered"])
        .map(|(name, volume)| vector(format!("tampered-{name}"), volume, volumes));
    intact.chain(tampered).collect()
}

fn vector(name: String, volume: &Value, volumes: &Path) -> Vector {
    let (mut tree, mut damaged) = (Tree::new(), BTreeMap::new());
    for (path, entry) in members(&volume["entries"]) {
        if entry["error"].is_null() {
            tree.insert(path.into(), node(entry));
        } else {
            damaged.insert(path.into(), damage(entry));
        }
    }
    Vector {
        cipher: volumes.join(&name).join("cipher"),
        name,
        password: text(&volume["password"]),
        config: volume["config"].clone(),
        tree,
        undecodable: volume["undecodable"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| text(name).into())
            .collect(),
        damaged,
        open: volume["open"]
            .as_array()
            .map_or(vec!["ok".to_owned()], |kinds| kinds.iter().map(text).collect()),
    }
}

fn node(entry: &Value) -> Node {
    match entry["type"].as_str() {
        Some("dir") => Node::Dir,
        Some("file") => Node::File { size: number(&entry["size"]), sha256: text(&entry["sha256"]) },
        Some("symlink") => Node::Symlink { target: text(&entry["target"]).into() },
        _ => panic!("the manifest has an entry of no known type: {entry}"),
    }
}

fn damage(entry: &Value) -> Damage {
    match entry["error"].as_str() {
        Some("header") => Damage::Header,
        Some("integrity") => Damage::Range {
            size: number(&entry["size"]),
            start: number(&entry["bad_range"][0]),
            end: number(&entry["bad_range"][1]),
            before_sha256: text(&entry["before_sha256"]),
            after_sha256: text(&entry["after_sha256"]),
        },
        _ => panic!("the manifest has an error of no known kind: {entry}"),
    }
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}
