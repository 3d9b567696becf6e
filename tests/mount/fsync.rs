use super::*;
use std::fs::File;

#[test]
fn files_and_folders_can_be_synced() {
    with_every_profile(|mount| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        let mut file = File::create_new(mount.path("folder/file")).expect("a fresh file");
        file.write_all(b"text").expect("writable");
        file.sync_all().expect("it is open");
        file.sync_data().expect("it is open");
        File::open(mount.path("folder")).and_then(|folder| folder.sync_all()).expect("a folder");
        File::open(mount.root()).and_then(|folder| folder.sync_all()).expect("a folder");
    });
}
