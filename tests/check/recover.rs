//! A volume that lost its config is opened again with its key alone.

use crate::frozen::for_each_vector;
use crate::sample::{self, kinds};
use crate::scratch::{self, Scratch};
use crate::support::scratch::ScratchVolume;
use crate::support::tree;
use encbox::check::{Parameter, RecoverError, Recovered, recover};
use encbox::config::{Config, Parameters, Profile};
use encbox::crypto::{AlgorithmId, VolumeKey};
use encbox::volume::{self, OpenOptions, Volume};
use std::fs;
use std::path::Path;

/// Removes the config, and opens the volume with what is found out without it.
fn opened_again(root: &Path, key: &VolumeKey) -> (Recovered, Volume) {
    let config = volume::find_config(root).unwrap().path;
    fs::remove_file(config).unwrap();
    let found = recover(root, &key.joined(), None).unwrap_or_else(|error| panic!("{error}"));
    let config =
        Config::around(&found.parameters, &found.key, &scratch::password(), 10, volume::fill_random).unwrap();
    volume::create(root, &config, true).unwrap();
    let again = scratch::open(root, OpenOptions::default());
    (found, again)
}

fn key_of(scratch: &Scratch) -> VolumeKey {
    scratch.volume.config().unlock(&scratch::password()).unwrap()
}

#[test]
fn parameters_show_in_names_and_blocks() {
    let odd =
        [("sync", 8, 0, 512), ("boxcryptor", 0, 0, 192), ("standard", 4, 5, 64), ("paranoia", 8, 8, 8192)];
    let odd = kinds().into_iter().filter_map(|(name, parameters)| {
        let (_, mac_len, rand_len, block_len) = odd.iter().find(|(odd, ..)| *odd == name)?;
        Some(Parameters { mac_len: *mac_len, rand_len: *rand_len, block_len: *block_len, ..parameters })
    });
    for parameters in kinds().into_iter().map(|(_, parameters)| parameters).chain(odd) {
        let scratch = Scratch::new(&parameters);
        sample::fill(&scratch);
        let before = tree::of_volume(&scratch.volume).tree;
        let (found, again) = opened_again(scratch.folder.path(), &key_of(&scratch));
        // which of the two names of one coding it was does not show, and holes show where there are some
        let expected = Parameters {
            name_coding: found.parameters.name_coding.clone(),
            allow_holes: found.parameters.allow_holes,
            ..parameters
        };
        assert_eq!(found.parameters, expected);
        assert_eq!(found.parameters.name_coding.name, expected.name_coding.name);
        assert_eq!(found.assumed, [Parameter::Holes], "{found:?}");
        assert_eq!(found.names, found.names_tried, "{found:?}");
        // without MACs, a file of noise says nothing
        let silent = if found.parameters.mac_len > 0 { 0 } else { 3 };
        assert!(found.files + silent >= found.files_tried, "{found:?}");
        tree::assert_same("the volume with its new config", &before, &tree::of_volume(&again).tree);
    }
}

/// Blocks of one cipher block each, half of it the MAC: there is no room for random bytes.
#[test]
fn the_smallest_blocks_there_are() {
    for (cipher, key_bits) in [("ssl/aes", 256), ("ssl/blowfish", 160)] {
        let parameters = Parameters {
            cipher: AlgorithmId::new(cipher, 3, 0),
            key_bits,
            block_len: 16,
            mac_len: 8,
            rand_len: 0,
            ..Profile::Sync.parameters()
        };
        let scratch = Scratch::new(&parameters);
        sample::fill(&scratch);
        let before = tree::of_volume(&scratch.volume).tree;
        let (found, again) = opened_again(scratch.folder.path(), &key_of(&scratch));
        let found = (found.parameters.block_len, found.parameters.mac_len, found.parameters.rand_len);
        assert_eq!(found, (16, 8, 0), "{cipher}");
        tree::assert_same("the volume with its new config", &before, &tree::of_volume(&again).tree);
    }
}

/// EncFS counts minor versions up, and reads all of them alike.
#[test]
fn a_known_config_of_another_minor_version() {
    for (name, parameters) in kinds() {
        let scratch = Scratch::new(&parameters);
        sample::fill(&scratch);
        let AlgorithmId { name: cipher, major, .. } = &parameters.cipher;
        let known = Parameters { cipher: AlgorithmId::new(cipher, *major, 7), ..parameters.clone() };
        let found = recover(scratch.folder.path(), &key_of(&scratch).joined(), Some(&known))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.parameters, known, "{name}");
        assert!(found.names > 0 && found.names == found.names_tried, "{name}: {found:?}");
    }
}

#[test]
fn of_a_large_folder_only_some_names_are_looked_at() {
    let scratch = Scratch::new(&kinds()[0].1);
    for number in 0..4500 {
        scratch.write(&format!("{number}"), b"");
    }
    let (found, again) = opened_again(scratch.folder.path(), &key_of(&scratch));
    assert_eq!((found.names, found.names_tried), (4000, 4000));
    assert_eq!(again.list(&again.root()).unwrap().len(), 4500);
}

#[test]
fn damage_is_no_hindrance() {
    for (name, parameters) in kinds() {
        let scratch = Scratch::new(&parameters);
        sample::fill(&scratch);
        for path in ["Letters/2019/bank.txt", "Work/archive.zip", "Photos/2020/IMG_0003.jpg"] {
            let on_disk = scratch.on_disk(path);
            let mut bytes = fs::read(&on_disk).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
            fs::write(on_disk, bytes).unwrap();
        }
        fs::rename(scratch.on_disk("Letters/2020"), scratch.folder.path().join("lost")).unwrap();
        fs::write(scratch.folder.path().join("desktop.ini"), b"[.ShellClassInfo]").unwrap();
        let (found, _) = opened_again(scratch.folder.path(), &key_of(&scratch));
        let Parameters { block_len, file_iv, mac_len, rand_len, .. } = parameters;
        let (expected, parameters) = ((block_len, file_iv, mac_len, rand_len), found.parameters);
        let found = (parameters.block_len, parameters.file_iv, parameters.mac_len, parameters.rand_len);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_key_of_another_volume_opens_nothing() {
    for (name, parameters) in kinds() {
        let (scratch, other) = (Scratch::new(&parameters), Scratch::new(&parameters));
        sample::fill(&scratch);
        let found = recover(scratch.folder.path(), &key_of(&other).joined(), None);
        assert!(matches!(found, Err(RecoverError::NothingFits)), "{name}: {found:?}");
        let found = recover(scratch.folder.path(), b"not a key of any cipher", None);
        assert!(matches!(found, Err(RecoverError::KeyLen(23))), "{name}: {found:?}");
    }
}

/// Where there are neither MACs nor anything but noise in files, block sizes cannot show. That is said, then.
#[test]
fn what_other_programs_made() {
    for_each_vector(|vector| {
        let copy = ScratchVolume::copy_of(&vector.cipher, &vector.password);
        let Ok(volume) = copy.try_open() else { return };
        tree::restore_links(&vector.tree, &volume);
        let before = tree::of_volume(&volume).tree;
        let parameters = volume.config().parameters().clone();
        let key = volume.config().unlock(&copy.secret()).unwrap();
        drop(volume);
        let (found, again) = opened_again(&copy.cipher(), &key);
        let after = tree::of_volume(&again).tree;
        assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{found:?}");
        let shows = !found.assumed.contains(&Parameter::BlockSize);
        assert!(shows || parameters.mac_len == 0, "{found:?}");
        if shows {
            tree::assert_same(&format!("{found:?}"), &before, &after);
        }
    });
}
