//! The index that travels with the volume: what is published is found, told from what is old, and readable by nobody else.

use crate::library::Library;
use encbox::config::{FileIvMode, Profile};
use encbox::travel::{self, Device, Published, Shelf, State};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A machine: what tells it from others.
struct Machine(TempDir);

impl Machine {
    fn new() -> Machine {
        Machine(tempfile::tempdir().expect("a scratch folder"))
    }

    fn device(&self, library: &Library) -> Device {
        Device::here(self.0.path(), &library.volume).expect("a folder for state")
    }

    fn publish(&self, library: &Library) -> Published {
        library.refresh();
        travel::publish(&library.index(), &library.volume, &self.device(library), false).expect("published")
    }

    fn folder(&self, library: &Library) -> PathBuf {
        library.folder.path().join(".encbox/index").join(self.device(library).id)
    }

    fn objects(&self, library: &Library) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.folder(library)).expect("a folder");
        let object = |file: fs::DirEntry| {
            let name = file.file_name().into_string().expect("ASCII");
            (name, fs::read(file.path()).expect("readable"))
        };
        files.map(|file| object(file.expect("an entry"))).collect()
    }
}

fn shelf(library: &Library) -> Shelf {
    Shelf::open(&library.volume).expect("readable")
}

/// Paths and states of the union.
fn states(library: &Library) -> BTreeMap<String, State> {
    let shelf = shelf(library);
    let state = |shown: &travel::Shown<'_>| (shown.item.path.display().to_string(), shown.state);
    shelf.entries().iter().map(state).collect()
}

fn notes() -> Library {
    let library = Library::new();
    library.put("Letters/lake.md", b"# The lake\n\nThe ice was cold in May.\n");
    library.put("Letters/2024/boat.txt", b"a boat");
    library.put("picture.png", include_bytes!("../preview/corpus/picture.png"));
    library
}

#[test]
fn what_is_published_is_found() {
    let (library, machine) = (notes(), Machine::new());
    let published = machine.publish(&library);
    assert_eq!((published.entries, published.changed, published.new_packs), (5, true, 2));
    let shelf = shelf(&library);
    assert!(shelf.ignored.is_empty());
    assert_eq!((shelf.publishers.len(), shelf.publishers[0].len()), (1, 5));
    let entries = shelf.entries();
    let paths: Vec<_> = entries.iter().map(|shown| shown.item.path.to_str().expect("UTF-8")).collect();
    assert_eq!(paths, ["Letters", "Letters/2024", "Letters/2024/boat.txt", "Letters/lake.md", "picture.png"]);
    assert!(entries.iter().all(|shown| shown.state == State::Current));
    let lake = &entries[3];
    assert_eq!((&*lake.item.kind, lake.item.title.as_deref()), ("markdown", Some("The lake")));
    assert_eq!((lake.item.size, &*lake.snippet), (37, "The ice was cold in May."));
    let on_disk = library.folder.path().join(lake.cipher_path.as_ref().expect("details"));
    assert_eq!(on_disk, library.on_disk("Letters/lake.md"));
    let picture = entries[4].publisher.picture(entries[4].item).expect("a thumbnail");
    assert!(picture.starts_with(b"\xff\xd8") || picture.starts_with(b"\x89PNG"));
    assert_eq!(lake.publisher.picture(lake.item), None);
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let (library, machine) = (notes(), Machine::new());
    machine.publish(&library);
    let before = machine.objects(&library);
    let again = machine.publish(&library);
    assert_eq!((again.changed, again.written), (false, 0));
    assert_eq!(machine.objects(&library), before);
    assert_eq!(again.len, before.values().map(|object| object.len() as u64).sum::<u64>());
}

#[test]
fn a_change_makes_few_packs_new_and_old_ones_go() {
    let (library, machine) = (Library::new(), Machine::new());
    for number in 0..1500 {
        library.put(&format!("folder {}/{number}.txt", number % 60), format!("text {number}").as_bytes());
    }
    let first = machine.publish(&library);
    assert!(first.packs >= 6 && first.new_packs == first.packs);
    library.put("folder 7/added.txt", b"more");
    let second = machine.publish(&library);
    // the folder's own pack, and that of its time
    assert!((1..=2).contains(&second.new_packs), "{second:?}");
    let stay = |published: &Published, before: &Published| published.packs + before.new_packs;
    assert!(
        machine.objects(&library).len() as u64 > second.packs + 1,
        "those of the root before are still there"
    );
    library.put("folder 8/added.txt", b"more");
    let third = machine.publish(&library);
    assert!(machine.objects(&library).len() as u64 <= stay(&third, &third) + 1);
    assert_eq!(states(&library).len(), 1562);
    assert!(states(&library).values().all(|state| *state == State::Current));
}

#[test]
fn devices_make_a_union_and_the_one_that_is_right_counts() {
    let (library, desk, laptop) = (notes(), Machine::new(), Machine::new());
    desk.publish(&library);
    assert_ne!(desk.device(&library).id, laptop.device(&library).id);
    library.write("Letters/new.md", b"# New");
    fs::remove_file(library.on_disk("Letters/lake.md")).expect("it is there");
    library.put("Letters/lake.md", b"# Another lake\n");
    fs::remove_file(library.on_disk("Letters/2024/boat.txt")).expect("it is there");
    let told = states(&library);
    assert_eq!(told["Letters/lake.md"], State::Changed);
    assert_eq!(told["Letters/2024/boat.txt"], State::Gone);
    assert!(!told.contains_key("Letters/new.md"));
    laptop.publish(&library);
    let told = states(&library);
    assert_eq!(told["Letters/lake.md"], State::Current);
    assert_eq!(told["Letters/new.md"], State::Current);
    assert_eq!(told["Letters/2024/boat.txt"], State::Gone, "the desk still tells of it");
    let shelf = shelf(&library);
    let entries = shelf.entries();
    let lake = entries.iter().find(|shown| shown.item.path == Path::new("Letters/lake.md")).expect("there");
    assert_eq!(lake.item.title.as_deref(), Some("Another lake"));
    assert_eq!(lake.publisher.device, laptop.device(&library).id);
}

/// A sync client may give a file another time.
#[test]
fn another_time_alone_is_no_change() {
    let (library, machine) = (notes(), Machine::new());
    machine.publish(&library);
    let file = fs::File::options().write(true).open(library.on_disk("Letters/lake.md")).expect("it is there");
    file.set_modified(SystemTime::now() - Duration::from_secs(77)).expect("our own file");
    assert_eq!(states(&library)["Letters/lake.md"], State::Current);
    // the same length, and other contents
    let path = library.on_disk("Letters/2024/boat.txt");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[10] ^= 1;
    fs::write(&path, bytes).expect("writable");
    assert_eq!(states(&library)["Letters/2024/boat.txt"], State::Changed);
}

#[test]
fn a_damaged_or_forged_root_is_ignored_and_said() {
    let (library, desk, laptop) = (notes(), Machine::new(), Machine::new());
    desk.publish(&library);
    laptop.publish(&library);
    let root = desk.folder(&library).join("root");
    let good = fs::read(&root).expect("published");
    let other = Library::new();
    desk.publish(&other);
    let foreign = fs::read(desk.folder(&other).join("root")).expect("published");
    let moved = fs::read(laptop.folder(&library).join("root")).expect("published");
    let mut flipped = good.clone();
    flipped[500] ^= 4;
    let cut = good[..good.len() / 2].to_vec();
    for (what, bytes) in [
        ("flipped", flipped),
        ("cut", cut),
        ("empty", Vec::new()),
        ("of another volume", foreign),
        ("of another device", moved),
        ("noise", vec![7; 5000]),
    ] {
        fs::write(&root, bytes).expect("our own file");
        let shelf = shelf(&library);
        assert_eq!(shelf.ignored.len(), 1, "{what}");
        assert_eq!(shelf.ignored[0].path, root, "{what}");
        assert!(shelf.ignored[0].reason.contains("damaged"), "{what}: {}", shelf.ignored[0].reason);
        assert_eq!(shelf.entries().len(), 5, "{what}: the other device's are there");
    }
    // and the next publication mends it
    desk.publish(&library);
    assert!(shelf(&library).ignored.is_empty());
}

#[test]
fn while_a_pack_is_missing_nothing_is_claimed() {
    let (library, machine) = (notes(), Machine::new());
    machine.publish(&library);
    for (name, _) in machine.objects(&library).into_iter().filter(|(name, _)| name != "root") {
        fs::remove_file(machine.folder(&library).join(name)).expect("our own file");
    }
    let shelf_now = shelf(&library);
    let entries = shelf_now.entries();
    assert!(entries.iter().all(|shown| shown.state == State::Unknown && shown.cipher_path.is_none()));
    assert_eq!(entries[4].publisher.picture(entries[4].item), None);
    assert_eq!(machine.publish(&library).new_packs, 2, "they are brought again");
    assert!(states(&library).values().all(|state| *state == State::Current));
}

#[test]
fn what_is_damaged_is_written_again_when_asked_for() {
    let (library, machine) = (notes(), Machine::new());
    machine.publish(&library);
    for name in machine.objects(&library).into_keys().filter(|name| name != "root") {
        fs::write(machine.folder(&library).join(name), b"damaged").expect("our own file");
    }
    assert!(states(&library).values().all(|state| *state == State::Unknown));
    assert!(!machine.publish(&library).changed, "packs are not looked into");
    travel::publish(&library.index(), &library.volume, &machine.device(&library), true).expect("published");
    assert!(states(&library).values().all(|state| *state == State::Current));
}

#[test]
fn objects_are_open_to_those_to_whom_the_volume_is() {
    use std::os::unix::fs::PermissionsExt;
    let (library, machine) = (notes(), Machine::new());
    fs::set_permissions(library.folder.path(), fs::Permissions::from_mode(0o750)).expect("our own folder");
    machine.publish(&library);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let folder = machine.folder(&library);
    // less what the umask of the tests takes
    assert!(
        folder.ancestors().take(3).all(|folder| mode(folder) & !0o750 == 0 && mode(folder) & 0o700 == 0o700)
    );
    assert!(machine.objects(&library).keys().all(|name| mode(&folder.join(name)) & !0o640 == 0));
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let (library, machine) = (notes(), Machine::new());
    let elsewhere = tempfile::tempdir().expect("a scratch folder");
    library.refresh();
    let own = library.folder.path().join(".encbox");
    std::os::unix::fs::symlink(elsewhere.path(), &own).expect("a link");
    let device = machine.device(&library);
    assert!(travel::publish(&library.index(), &library.volume, &device, false).is_err());
    fs::remove_file(&own).expect("a link");
    fs::create_dir_all(library.folder.path().join(".encbox/index")).expect("fresh folders");
    std::os::unix::fs::symlink(elsewhere.path(), machine.folder(&library)).expect("a link");
    assert!(travel::publish(&library.index(), &library.volume, &device, false).is_err());
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
}

#[test]
fn what_is_withdrawn_leaves_nothing() {
    let (library, desk, laptop) = (notes(), Machine::new(), Machine::new());
    desk.publish(&library);
    laptop.publish(&library);
    let device = desk.device(&library);
    assert!(travel::is_published(&library.volume, &device));
    assert!(travel::withdraw(&library.volume, &device).expect("withdrawn"));
    assert!(!travel::is_published(&library.volume, &device));
    assert!(!travel::withdraw(&library.volume, &device).expect("nothing to do"));
    assert_eq!(shelf(&library).publishers.len(), 1, "the other's stays");
    assert!(travel::withdraw(&library.volume, &laptop.device(&library)).expect("withdrawn"));
    assert!(!library.folder.path().join(".encbox").exists());
}

/// Plain names would show our folder as one of the volume's.
#[test]
fn our_folder_is_no_entry() {
    let mut parameters = Profile::Sync.parameters();
    parameters.name_coding = encbox::crypto::AlgorithmId::new("nameio/null", 1, 0);
    parameters.file_iv = FileIvMode::Unique;
    parameters.chained_names = false;
    let (library, machine) = (Library::with(&parameters), Machine::new());
    library.put("plain.txt", b"text");
    assert_eq!(machine.publish(&library).entries, 1);
    assert_eq!(library.names(&library.root()), ["plain.txt"]);
    assert_eq!(machine.publish(&library).entries, 1);
    assert_eq!(states(&library).into_keys().collect::<Vec<_>>(), ["plain.txt"]);
}

#[test]
fn no_object_holds_a_name_or_a_word() {
    let (library, machine) = (Library::new(), Machine::new());
    let secrets = ["zyxomma", "hapaxlegomenon", "tjurunga", "quellvergissmeinnicht"];
    for number in 0..50 {
        library.put(&format!("zyxomma/{number} quellvergissmeinnicht.md"), b"# hapaxlegomenon\n\ntjurunga");
    }
    machine.publish(&library);
    let objects = machine.objects(&library);
    assert!(objects.len() >= 2);
    for (name, bytes) in &objects {
        assert!(bytes.starts_with(b"encboxt1"), "{name}");
        for secret in secrets {
            assert!(!bytes.windows(6).any(|window| window == &secret.as_bytes()[..6]), "{secret} in {name}");
        }
        let mut counts = [0_usize; 256];
        bytes[8..].iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(counts.iter().all(|count| *count < 2 * (bytes.len() / 256) + 24), "{name} has a pattern");
        // what is as long as another tells nothing of it
        assert_eq!((bytes.len() - 56) % 256, 0, "{name}");
    }
}

#[test]
fn five_thousand_files_have_a_root_of_less_than_256_kilobytes() {
    let (library, machine) = (Library::new(), Machine::new());
    for number in 0..5000_u32 {
        let (mut seed, mut words) = (number, String::new());
        for _ in 0..30 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            words.push_str(
                ["lake", "ice", "boat", "shore", "rope", "depth", "letter", "May"][(seed >> 29) as usize],
            );
            words.push(' ');
        }
        let name = format!("folder {}/{} {seed:x}.md", number % 250, &words[..12]);
        library.put(&name, format!("# {}\n\n{words}", &words[..40]).as_bytes());
    }
    let published = machine.publish(&library);
    assert_eq!(published.entries, 5250);
    assert!(published.root_len < 256_000, "{published:?}");
    assert!(published.len < 16_000_000 / 20, "{published:?}");
    let shelf = shelf(&library);
    let longest = shelf.entries().iter().map(|shown| shown.snippet.chars().count()).max();
    assert_eq!(longest, Some(120), "more is not shown");
}
