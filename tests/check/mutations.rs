//! Single damages, seeded, on six kinds of volume: how many are found, and how many can be mended.
//!
//! `ENCBOX_MUTATIONS=1000` does as many as docs/check.md speaks of, and prints its table; without, some of each.

use crate::repairs::{plan_of, snapshot};
use crate::sample::{FILES, FOLDERS, fill, kinds};
use crate::scratch::{self, Scratch};
use crate::support::rng::Rng;
use crate::support::scratch::copy_tree;
use crate::support::tree::{self, Node};
use crate::{findings, support};
use encbox::check::{Plan, Severity, apply, undo};
use encbox::config::{FileIvMode, Parameters};
use encbox::volume::{OpenOptions, Volume};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Damages of each kind to each kind of volume, unless somebody asks for more.
const FEW: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    BitInContents,
    BitInHeader,
    CutWithinBlock,
    CutAtBlock,
    Emptied,
    ZeroedBlock,
    BlocksSwapped,
    BlocksSwappedAcross,
    FilesSwapped,
    HeadersSwapped,
    NameGarbled,
    NameFolded,
    FileMoved,
    FolderMoved,
    ParentRenamed,
    HeaderLeftBehind,
}

use Damage::*;

const DAMAGES: [(Damage, &str); 16] = [
    (BitInContents, "a bit of the contents flipped"),
    (BitInHeader, "a bit of the header flipped"),
    (CutWithinBlock, "cut within a block"),
    (CutAtBlock, "cut at the edge of a block"),
    (Emptied, "cut to nothing"),
    (ZeroedBlock, "a block zeroed"),
    (BlocksSwapped, "two blocks of a file exchanged"),
    (BlocksSwappedAcross, "the same block of two files exchanged"),
    (FilesSwapped, "two files exchanged"),
    (HeadersSwapped, "the headers of two files exchanged"),
    (NameGarbled, "a character of a name changed"),
    (NameFolded, "a name in small letters"),
    (FileMoved, "a file moved to another folder"),
    (FolderMoved, "a folder moved into another"),
    (ParentRenamed, "a folder renamed, what is below it not"),
    (HeaderLeftBehind, "a file renamed, its header not"),
];

/// What came of all damages of one kind to one kind of volume.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    done: u64,
    found: u64,
    noted: u64,
    mended: u64,
}

#[test]
fn seeded_damages() {
    let many: Option<u64> =
        std::env::var("ENCBOX_MUTATIONS").ok().map(|count| count.parse().expect("a number"));
    let results: Vec<BTreeMap<Damage, Tally>> = std::thread::scope(|scope| {
        let kinds: Vec<_> = kinds().into_iter().enumerate().collect();
        let started: Vec<_> = kinds
            .into_iter()
            .map(|(number, (_, parameters))| scope.spawn(move || one_kind(number as u64, &parameters, many)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    print_table(&results);
    for ((name, parameters), tallies) in kinds().into_iter().zip(&results) {
        for (damage, tally) in tallies {
            must_hold(name, &parameters, *damage, tally);
        }
    }
}

/// What is promised.
fn must_hold(name: &str, parameters: &Parameters, damage: Damage, tally: &Tally) {
    let external = parameters.file_iv == FileIvMode::External;
    let strong = parameters.mac_len == 8;
    let Tally { done, found, noted, mended } = *tally;
    let found_all = match damage {
        // with MACs every change of contents is seen but those that leave whole blocks in their place
        BitInContents | BitInHeader | CutWithinBlock | BlocksSwapped | BlocksSwappedAcross
        | HeadersSwapped => strong,
        ZeroedBlock => strong || !parameters.allow_holes,
        FilesSwapped | HeaderLeftBehind => strong && external,
        NameGarbled | NameFolded | FolderMoved | ParentRenamed => true,
        FileMoved => parameters.chained_names,
        CutAtBlock | Emptied => false,
    };
    let mended_all = match damage {
        NameFolded | FolderMoved | ParentRenamed => true,
        FileMoved | HeaderLeftBehind | FilesSwapped => strong && external,
        HeadersSwapped | BitInHeader => strong,
        _ => false,
    };
    assert!(!found_all || found + noted == done, "{name}: {damage:?}: found {found} and {noted} of {done}");
    assert!(!mended_all || mended == done, "{name}: {damage:?}: mended {mended} of {done}");
}

fn print_table(results: &[BTreeMap<Damage, Tally>]) {
    let names: Vec<_> = kinds().into_iter().map(|(name, _)| name).collect();
    println!("| damage | {} |", names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len()));
    for (damage, words) in DAMAGES {
        let cells: Vec<String> = results
            .iter()
            .map(|tallies| match tallies.get(&damage) {
                None => "-".into(),
                Some(Tally { done, found, noted, mended }) => {
                    let noted = if *noted > 0 { format!("+{noted}") } else { String::new() };
                    format!("{found}{noted}/{done}, {mended}")
                }
            })
            .collect();
        println!("| {words} | {} |", cells.join(" | "));
    }
}

fn one_kind(number: u64, parameters: &Parameters, many: Option<u64>) -> BTreeMap<Damage, Tally> {
    let original = Scratch::new(parameters);
    fill(&original);
    let tree = tree::of_volume(&original.volume).tree;
    let possible: Vec<Damage> =
        DAMAGES.iter().map(|(damage, _)| *damage).filter(|damage| applies(*damage, parameters)).collect();
    // about as many of each, a sixth of all for each kind of volume
    let total = many.map_or(FEW * possible.len() as u64, |many| many / 6 + u64::from(number < many % 6));
    let mut tallies: BTreeMap<Damage, Tally> = BTreeMap::new();
    for turn in 0..total {
        let damage = possible[(turn % possible.len() as u64) as usize];
        let mut rng = Rng::new(number << 32 | turn);
        let tally = tallies.entry(damage).or_default();
        tally.done += 1;
        one(&original, &tree, damage, &mut rng, tally);
    }
    tallies
}

/// Whether this is damage at all in such a volume: a file may be moved where nothing depends on its path.
fn applies(damage: Damage, parameters: &Parameters) -> bool {
    match damage {
        BitInHeader | HeadersSwapped => parameters.file_iv != FileIvMode::None,
        FileMoved | FolderMoved | ParentRenamed => parameters.chained_names,
        HeaderLeftBehind => parameters.file_iv == FileIvMode::External,
        _ => true,
    }
}

fn one(original: &Scratch, tree: &support::tree::Tree, damage: Damage, rng: &mut Rng, tally: &mut Tally) {
    let folder = tempfile::tempdir().unwrap();
    let (copy, quarantine) = (folder.path().join("copy"), folder.path().join("quarantine"));
    copy_tree(original.folder.path(), &copy);
    let hints = spoil(&original.volume, &copy, damage, rng);
    let open = || scratch::open(&copy, OpenOptions::default());
    let volume = open();
    let found = findings(&volume);
    if found.iter().any(|finding| finding.severity > Severity::Note) {
        tally.found += 1;
    } else if !found.is_empty() {
        tally.noted += 1;
    }
    let before = snapshot(&copy);
    let hints: Vec<&str> = hints.iter().map(String::as_str).collect();
    let plan = plan_of(&volume, &hints);
    if plan.repairs.is_empty() {
        return;
    }
    apply(&volume, &plan.repairs, &quarantine, None, &mut |repair, error| {
        panic!("{damage:?}: {repair:?}: {error}")
    })
    .unwrap();
    drop(volume);
    let volume = open();
    let sound = !findings(&volume).iter().any(|finding| finding.severity > Severity::Note);
    if sound && contents(&tree::of_volume(&volume).tree) == contents(tree) {
        tally.mended += 1;
    }
    if sound && plan.repairs.iter().all(|repair| repair.sure) {
        must_be_as_it_was(original, tree, &volume, &plan, damage);
    }
    undo(&volume, &quarantine, &mut |error| panic!("{damage:?}: {error}")).unwrap();
    drop(volume);
    assert!(snapshot(&copy) == before, "{damage:?}: taken back, it is not what it was");
}

/// What is sure and sound holds what it held; of what was cut, what is left of it.
fn must_be_as_it_was(
    original: &Scratch,
    tree: &support::tree::Tree,
    mended: &Volume,
    plan: &Plan,
    damage: Damage,
) {
    let now = tree::of_volume(mended).tree;
    for repair in &plan.repairs {
        let Some(path) = repair.plain.as_ref().map(Path::new) else { continue };
        let Some(Node::File { size, sha256 }) = now.get(path) else { continue };
        let same = match damage {
            CutWithinBlock => {
                let whole = original.read(path.to_str().unwrap());
                Node::file(&whole[..*size as usize]) == now[path]
            }
            _ => contents(tree).contains(&(sha256.clone(), *size)),
        };
        assert!(same, "{damage:?}: {repair:?}: mended for sure, but not what it was");
    }
}

/// What files hold, wherever they are now.
fn contents(tree: &support::tree::Tree) -> Vec<(String, u64)> {
    let mut contents: Vec<_> = tree
        .values()
        .filter_map(|node| match node {
            Node::File { size, sha256 } => Some((sha256.clone(), *size)),
            _ => None,
        })
        .collect();
    contents.sort();
    contents
}

/// Does one kind of damage; gives the names that somebody might remember.
fn spoil(volume: &Volume, copy: &Path, damage: Damage, rng: &mut Rng) -> Vec<String> {
    let layout = *volume.layout();
    let on_disk = |path: &str| {
        let path = encbox::volume::PlainPath::parse(path.as_ref()).unwrap();
        copy.join(volume.encode_path(&path).unwrap())
    };
    let file_of = |path: &Path| fs::File::options().read(true).write(true).open(path).unwrap();
    let (header_len, block_len) = (layout.header_len() as u64, layout.block_len() as u64);
    // of two full blocks at least, so that there is something to exchange
    let large: Vec<PathBuf> = FILES
        .iter()
        .map(|path| on_disk(path))
        .filter(|path| path.metadata().unwrap().len() >= header_len + 2 * block_len)
        .collect();
    let path = rng.pick(&large).clone();
    let other = loop {
        let other = rng.pick(&large).clone();
        if other != path {
            break other;
        }
    };
    let len = path.metadata().unwrap().len();
    let blocks = (len - header_len) / block_len;
    let block_at = |number: u64| header_len + number * block_len;
    match damage {
        BitInContents | BitInHeader => {
            let range = if damage == BitInHeader { 0..header_len } else { header_len..len };
            let at = range.start + rng.below(range.end - range.start);
            let mut byte = [0];
            file_of(&path).read_exact_at(&mut byte, at).unwrap();
            file_of(&path).write_all_at(&[byte[0] ^ 1 << rng.below(8)], at).unwrap();
        }
        CutWithinBlock => {
            let block = rng.below(blocks);
            file_of(&path).set_len(block_at(block) + 1 + rng.below(block_len - 1)).unwrap();
        }
        CutAtBlock => file_of(&path).set_len(block_at(1 + rng.below(blocks - 1))).unwrap(),
        Emptied => file_of(&path).set_len(0).unwrap(),
        ZeroedBlock => {
            let zeros = vec![0; block_len as usize];
            file_of(&path).write_all_at(&zeros, block_at(rng.below(blocks))).unwrap();
        }
        BlocksSwapped => {
            let first = rng.below(blocks);
            let second = (first + 1 + rng.below(blocks - 1)) % blocks;
            exchange_bytes(&path, block_at(first), &path, block_at(second), block_len);
        }
        BlocksSwappedAcross => {
            let other_blocks = (other.metadata().unwrap().len() - header_len) / block_len;
            let at = block_at(rng.below(blocks.min(other_blocks)));
            exchange_bytes(&path, at, &other, at, block_len);
        }
        HeadersSwapped => exchange_bytes(&path, 0, &other, 0, header_len),
        FilesSwapped => {
            let beside = copy.join("beside");
            fs::rename(&path, &beside).unwrap();
            fs::rename(&other, &path).unwrap();
            fs::rename(&beside, &other).unwrap();
        }
        NameGarbled | NameFolded => {
            let all: Vec<&str> = FILES.iter().chain(&FOLDERS).copied().collect();
            let path = on_disk(rng.pick::<&str>(&all));
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let spoiled = if damage == NameFolded {
                name.to_ascii_lowercase()
            } else {
                let at = rng.below(name.len() as u64) as usize;
                let mut bytes = name.clone().into_bytes();
                bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
                String::from_utf8(bytes).unwrap()
            };
            fs::rename(&path, path.with_file_name(spoiled)).unwrap();
        }
        FileMoved => {
            let path = on_disk(rng.pick::<&str>(&FILES));
            let into = loop {
                let into = on_disk(rng.pick::<&str>(&FOLDERS));
                if Some(into.as_path()) != path.parent() {
                    break into;
                }
            };
            fs::rename(&path, into.join(path.file_name().unwrap())).unwrap();
        }
        FolderMoved => {
            let path = on_disk(rng.pick::<&str>(&FOLDERS));
            let into = loop {
                let into = on_disk(rng.pick::<&str>(&FOLDERS));
                if !into.starts_with(&path) && Some(into.as_path()) != path.parent() {
                    break into;
                }
            };
            fs::rename(&path, into.join(path.file_name().unwrap())).unwrap();
        }
        ParentRenamed => {
            let from = *rng.pick(&FOLDERS);
            let parent = Path::new(from).parent().unwrap();
            let to = parent.join(format!("renamed {}", rng.below(1000)));
            fs::rename(on_disk(from), on_disk(to.to_str().unwrap())).unwrap();
            // what somebody remembers who sees a folder of that name with nothing in it
            return vec![Path::new(from).file_name().unwrap().to_str().unwrap().to_owned()];
        }
        HeaderLeftBehind => {
            let from = *rng.pick(&FILES);
            let into = *rng.pick(&FOLDERS);
            let to = format!("{into}/moved {}", Path::new(from).file_name().unwrap().to_str().unwrap());
            fs::rename(on_disk(from), on_disk(&to)).unwrap();
            return vec![Path::new(from).file_name().unwrap().to_str().unwrap().to_owned()];
        }
    }
    Vec::new()
}

fn exchange_bytes(one: &Path, at: u64, other: &Path, other_at: u64, len: u64) {
    let open = |path: &Path| fs::File::options().read(true).write(true).open(path).unwrap();
    let (one, other) = (open(one), open(other));
    let (mut ours, mut theirs) = (vec![0; len as usize], vec![0; len as usize]);
    one.read_exact_at(&mut ours, at).unwrap();
    other.read_exact_at(&mut theirs, other_at).unwrap();
    one.write_all_at(&theirs, at).unwrap();
    other.write_all_at(&ours, other_at).unwrap();
}
