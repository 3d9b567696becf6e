use super::*;
use encbox::volume::RenameMode;
use rustix::io::Errno;
use std::os::unix::ffi::OsStrExt;

/// The longest name is what `statfs` says it is; one byte more is too long for every operation.
#[test]
fn the_limit_is_exact() {
    with_every_profile(|mount| {
        let limit = rustix::fs::statvfs(mount.root()).expect("it is mounted").f_namemax as usize;
        assert!((100..256).contains(&limit), "{limit}");
        let longest = mount.path("n".repeat(limit));
        fs::write(&longest, "text").expect("it just fits");
        assert_eq!(fs::read(&longest).expect("it is there"), b"text");
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::rename(&longest, mount.path("folder").join("m".repeat(limit))).expect("it just fits");

        let too_long = mount.path("n".repeat(limit + 1));
        let refused = Some(Errno::NAMETOOLONG);
        assert_eq!(errno(fs::metadata(&too_long)), refused);
        assert_eq!(errno(fs::write(&too_long, "")), refused);
        assert_eq!(errno(fs::create_dir(&too_long)), refused);
        assert_eq!(errno(std::os::unix::fs::symlink("a", &too_long)), refused);
        assert_eq!(errno(fs::rename(mount.path("folder"), &too_long)), refused);
        assert_eq!(errno(fs::remove_file(&too_long)), refused);
    });
}

#[test]
fn every_byte_but_two_is_allowed() {
    with_every_profile(|mount| {
        let bytes: Vec<u8> = (1..=255).filter(|&byte| byte != b'/').collect();
        for name in bytes.chunks(60).map(OsStr::from_bytes) {
            fs::write(mount.path(name), name.as_bytes()).expect("a fresh file");
        }
        let mut listed = 0;
        for entry in fs::read_dir(mount.root()).expect("it is mounted") {
            let entry = entry.expect("readable");
            assert_eq!(fs::read(entry.path()).expect("it is there"), entry.file_name().as_bytes());
            listed += 1;
        }
        assert_eq!(listed, bytes.chunks(60).count());
    });
}

#[test]
fn free_space_is_that_of_the_disk() {
    with_profile(Profile::Sync, |mount| {
        let (shown, real) = (rustix::fs::statvfs(mount.root()), rustix::fs::statvfs(mount.volume_path()));
        let (shown, real) = (shown.expect("it is mounted"), real.expect("it is there"));
        assert_eq!((shown.f_blocks, shown.f_frsize), (real.f_blocks, real.f_frsize));
        assert_eq!(shown.f_files, real.f_files);
    });
}

const NFC: &str = "B\u{fc}cher";
const NFD: &str = "Bu\u{308}cher";

fn listed(mount: &Mount) -> Vec<String> {
    let entries = fs::read_dir(mount.root()).expect("it is mounted");
    let name =
        |entry: io::Result<fs::DirEntry>| entry.expect("readable").file_name().into_string().expect("text");
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

/// What a Mac wrote is found under the name as people here type it, and keeps the name that it has.
#[test]
fn a_name_is_found_in_both_forms_of_unicode() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path(NFD)).expect("a fresh folder");
        fs::write(mount.path(NFC).join("file"), "text").expect("the folder is there");
        assert_eq!(listed(mount), [NFD]);
        assert_eq!(fs::read(mount.path(NFD).join("file")).expect("it is there"), b"text");
        assert_eq!(errno(fs::create_dir(mount.path(NFC))), Some(Errno::EXIST));
        fs::remove_file(mount.path(NFC).join("file")).expect("it is there");
        assert_eq!(errno(fs::metadata(mount.path(NFD).join("file"))), Some(Errno::NOENT));
        fs::rename(mount.path(NFC), mount.path("plain")).expect("it is there");
        assert_eq!(errno(fs::metadata(mount.path(NFD))), Some(Errno::NOENT));
        assert_eq!(errno(fs::metadata(mount.path(NFC))), Some(Errno::NOENT));
        // stored as given, once more in the other form
        fs::rename(mount.path("plain"), mount.path(NFC)).expect("it is there");
        assert_eq!(listed(mount), [NFC]);
        fs::remove_dir(mount.path(NFD)).expect("it is empty");
        assert_eq!(listed(mount), [""; 0]);
    });
}

#[test]
fn of_two_names_that_look_alike_each_leads_to_its_own_file() {
    with_every_profile(|mount| {
        fs::write(mount.path(NFC), NFC).expect("a fresh file");
        outlive_the_kernels_memory();
        // out of the way, as if it had not arrived yet
        let on_disk = fs::read_dir(mount.volume_path()).expect("a volume");
        let file = on_disk.map(|entry| entry.expect("readable").path());
        let file = file.into_iter().find(|path| !path.ends_with(".encfs6.xml")).expect("it is there");
        let aside = mount.volume_path().with_file_name("aside");
        fs::rename(&file, &aside).expect("it is there");
        outlive_the_kernels_memory();
        fs::write(mount.path(NFD), NFD).expect("a fresh file");
        fs::rename(&aside, &file).expect("it is there");
        outlive_the_kernels_memory();
        assert_eq!(listed(mount), [NFD, NFC]);
        for name in [NFC, NFD] {
            assert_eq!(fs::read_to_string(mount.path(name)).expect("it is there"), name);
        }
        fs::remove_file(mount.path(NFC)).expect("it is there");
        assert_eq!(fs::read_to_string(mount.path(NFC)).expect("the other is there"), NFD);
    });
}

/// The kernel does not remember that there was none.
#[test]
fn a_name_in_the_other_form_that_has_just_arrived_is_found() {
    with_every_profile(|mount| {
        assert_eq!(errno(fs::metadata(mount.path(NFC))), Some(Errno::NOENT));
        fs::write(mount.path("temporary"), "text").expect("a fresh file");
        let beside = mount.open(false);
        let (root, from, to) = (beside.root(), OsStr::new("temporary"), OsStr::new(NFD));
        beside.rename(&root, from, &root, to, RenameMode::NoReplace).expect("it is there");
        assert_eq!(fs::read_to_string(mount.path(NFC)).expect("it is there"), "text");
        beside.unlink(&root, to).expect("it is there");
        assert_eq!(errno(fs::metadata(mount.path(NFC))), Some(Errno::NOENT));
    });
}
