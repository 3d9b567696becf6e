//! The table of volumes: one row for every combination of parameters that is tested.

use std::fs;

use encbox::config::FileIvMode;
use encbox::config::Parameters;
use encbox::crypto::AlgorithmId;

use crate::support::manifest;
use crate::support::scratch::ScratchVolume;

type Cipher = (&'static str, u32);
const AES: Cipher = ("ssl/aes", 3);
const AES_2: Cipher = ("ssl/aes", 2);
const AES_1: Cipher = ("ssl/aes", 1);
const CAMELLIA: Cipher = ("ssl/camellia", 3);
const CAMELLIA_2: Cipher = ("ssl/camellia", 2);
const BLOWFISH: Cipher = ("ssl/blowfish", 3);
const BLOWFISH_2: Cipher = ("ssl/blowfish", 2);
const BLOWFISH_1: Cipher = ("ssl/blowfish", 1);

type Names = (&'static str, u32, u32);
const BLOCK_4: Names = ("nameio/block", 4, 0);
const BLOCK_3: Names = ("nameio/block", 3, 0);
const BLOCK_2: Names = ("nameio/block", 2, 0);
const BLOCK32_4: Names = ("nameio/block32", 4, 0);
const BLOCK32_3: Names = ("nameio/block32", 3, 0);
const STREAM_2: Names = ("nameio/stream", 2, 1);
const STREAM_1: Names = ("nameio/stream", 1, 0);
const STREAM_0: Names = ("nameio/stream", 0, 0);
const NULL: Names = ("nameio/null", 1, 0);

const NONE: FileIvMode = FileIvMode::None;
const UNIQUE: FileIvMode = FileIvMode::Unique;
const EXTERNAL: FileIvMode = FileIvMode::External;

const CHAIN: bool = true;
const FLAT: bool = false;
const HOLES: bool = true;
const DENSE: bool = false;

matrix! {
    // profiles and what programs made
    standard                   = new(AES,        192, 1024, BLOCK_4,   UNIQUE,   CHAIN, 0, 0, HOLES);
    paranoia                   = new(AES,        256, 1024, BLOCK_4,   EXTERNAL, CHAIN, 8, 0, HOLES);
    sync                       = new(AES,        256, 4096, BLOCK_3,   UNIQUE,   FLAT,  8, 0, DENSE);
    boxcryptor                 = new(AES,        256, 4096, STREAM_2,  NONE,     FLAT,  0, 0, HOLES);
    boxcryptor_plain_names     = new(AES,        256, 4096, NULL,      NONE,     FLAT,  0, 0, HOLES);
    expert                     = new(AES,        256, 2048, STREAM_2,  UNIQUE,   CHAIN, 8, 8, DENSE);

    // names
    names_block_2_chained      = new(AES,        192, 1024, BLOCK_2,   UNIQUE,   CHAIN, 0, 0, HOLES);
    names_block_2_flat         = new(AES,        256, 1024, BLOCK_2,   UNIQUE,   FLAT,  0, 0, HOLES);
    names_block_3_chained      = new(AES,        128, 1024, BLOCK_3,   UNIQUE,   CHAIN, 0, 0, DENSE);
    names_block_4_flat         = new(AES,        256, 1024, BLOCK_4,   NONE,     FLAT,  0, 0, DENSE);
    names_block32_4_chained    = new(AES,        128, 2048, BLOCK32_4, UNIQUE,   CHAIN, 4, 0, HOLES);
    names_block32_3_flat       = new(AES,        192,  512, BLOCK32_3, UNIQUE,   FLAT,  0, 0, DENSE);
    names_block32_external     = new(AES,        256, 1024, BLOCK32_4, EXTERNAL, CHAIN, 0, 0, HOLES);
    names_stream_0_chained     = new(AES,        192,  256, STREAM_0,  UNIQUE,   CHAIN, 0, 0, HOLES);
    names_stream_0_flat        = new(AES,        128,  512, STREAM_0,  NONE,     FLAT,  0, 0, DENSE);
    names_stream_1_chained     = new(AES,        192, 1088, STREAM_1,  UNIQUE,   CHAIN, 0, 0, HOLES);
    names_stream_1_flat        = new(AES,        256, 1024, STREAM_1,  UNIQUE,   FLAT,  8, 0, HOLES);
    names_stream_2_external    = new(AES,        256, 1024, STREAM_2,  EXTERNAL, CHAIN, 0, 0, DENSE);
    names_null_header_mac      = new(AES,        256, 4096, NULL,      UNIQUE,   FLAT,  8, 0, HOLES);
    names_null_random          = new(AES,        128,   64, NULL,      UNIQUE,   FLAT,  0, 8, DENSE);

    // contents
    block_64                   = new(AES,        128,   64, BLOCK_4,   UNIQUE,   CHAIN, 0, 0, HOLES);
    block_64_no_header         = new(AES,        256,   64, BLOCK_4,   NONE,     CHAIN, 0, 0, DENSE);
    block_80_mac               = new(AES,        256,   80, BLOCK_4,   UNIQUE,   CHAIN, 8, 0, DENSE);
    block_1008_no_header       = new(AES,        192, 1008, STREAM_2,  NONE,     CHAIN, 0, 0, HOLES);
    block_1088_mac_no_header   = new(AES,        256, 1088, BLOCK_3,   NONE,     FLAT,  8, 0, HOLES);
    block_4080_external_mac    = new(AES,        256, 4080, BLOCK_4,   EXTERNAL, CHAIN, 8, 0, DENSE);
    mac_8_random_8_no_header   = new(AES,        192,  512, BLOCK_4,   NONE,     CHAIN, 8, 8, DENSE);
    mac_4                      = new(AES,        256, 1024, BLOCK_4,   UNIQUE,   FLAT,  4, 0, DENSE);
    mac_4_random_4             = new(AES,        256, 1024, BLOCK_4,   UNIQUE,   CHAIN, 4, 4, HOLES);
    mac_1_random_3             = new(AES,        128,  128, BLOCK_3,   UNIQUE,   CHAIN, 1, 3, DENSE);
    mac_8_random_1_external    = new(AES,        256, 1024, STREAM_2,  EXTERNAL, CHAIN, 8, 1, HOLES);
    random_1                   = new(AES,        192, 1024, BLOCK_4,   UNIQUE,   CHAIN, 0, 1, HOLES);
    random_8_no_header         = new(AES,        256,  256, BLOCK_4,   NONE,     FLAT,  0, 8, DENSE);
    contents_not_encrypted     = plain_data(new(AES, 256, 1024, BLOCK_4, NONE,   CHAIN, 0, 0, DENSE));

    // ciphers
    aes_major_2                = new(AES_2,      256, 1024, BLOCK_3,   EXTERNAL, CHAIN, 8, 0, HOLES);
    aes_major_1                = new(AES_1,      128,  512, STREAM_1,  UNIQUE,   CHAIN, 0, 0, DENSE);
    camellia_128               = new(CAMELLIA,   128,  512, STREAM_2,  NONE,     FLAT,  0, 0, HOLES);
    camellia_192               = new(CAMELLIA,   192, 1024, BLOCK_4,   UNIQUE,   CHAIN, 0, 0, HOLES);
    camellia_256_paranoia      = new(CAMELLIA,   256, 1024, BLOCK_4,   EXTERNAL, CHAIN, 8, 0, HOLES);
    camellia_major_2           = new(CAMELLIA_2, 256, 2048, BLOCK32_4, UNIQUE,   CHAIN, 8, 8, DENSE);
    blowfish_128_external      = new(BLOWFISH,   128,  512, BLOCK_3,   EXTERNAL, CHAIN, 0, 0, HOLES);
    blowfish_160               = new(BLOWFISH,   160,   64, STREAM_2,  UNIQUE,   CHAIN, 8, 0, HOLES);
    blowfish_192_no_header     = new(BLOWFISH,   192,   72, BLOCK_4,   NONE,     CHAIN, 0, 0, DENSE);
    blowfish_224_block32       = new(BLOWFISH,   224, 1000, BLOCK32_4, UNIQUE,   FLAT,  4, 4, DENSE);
    blowfish_256               = new(BLOWFISH,   256, 4096, BLOCK_4,   NONE,     FLAT,  8, 0, HOLES);
    blowfish_major_2           = new(BLOWFISH_2, 160, 1024, STREAM_1,  UNIQUE,   CHAIN, 0, 0, HOLES);
    blowfish_major_1           = new(BLOWFISH_1, 160, 1024, BLOCK_3,   UNIQUE,   FLAT,  8, 0, DENSE);

    // older configs
    revision_20080816          = revision(20_080_816, new(AES, 256, 1024, BLOCK_3, UNIQUE, CHAIN, 8, 0, HOLES));
    revision_20080813          = frozen("v6-20080813");
    v5_external_mac            = frozen("v5-ext-mac8");
    v5_blowfish_major_2        = frozen("v5-blowfish-major2");
    v4_aes_192_major_2         = frozen("v4-aes192-major2");
}

/// Four tests for each row.
macro_rules! matrix {
    ($($row:ident = $volume:expr;)+) => {$(
        mod $row {
            use super::*;

            matrix! { @tests $volume;
                encfs_reads_what_import_writes
                encfs_reads_what_our_mount_writes
                we_read_what_encfs_writes
                deterministic_bytes_are_equal
            }
        }
    )+};
    (@tests $volume:expr; $($test:ident)+) => {$(
        #[test]
        fn $test() {
            if !crate::encfs_is_missing() {
                crate::$test(&$volume.make());
            }
        }
    )+};
}
use matrix;

/// How the volume of a row comes about.
enum Recipe {
    New(Parameters),
    Revision(u32, Parameters),
    /// With the config of a bundled volume.
    Frozen(&'static str),
}

impl Recipe {
    fn make(self) -> ScratchVolume {
        match self {
            Recipe::New(parameters) => ScratchVolume::create(&parameters),
            Recipe::Revision(revision, parameters) => {
                let volume = ScratchVolume::create(&parameters);
                set_revision(&volume, revision);
                volume
            }
            Recipe::Frozen(name) => {
                let vector = manifest::bundled_volume(name);
                ScratchVolume::from_config_of(&vector.cipher, &vector.password)
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the columns of the table")]
fn new(
    cipher: Cipher,
    key_bits: u32,
    block_len: u32,
    names: Names,
    file_iv: FileIvMode,
    chained_names: bool,
    mac_len: u32,
    rand_len: u32,
    allow_holes: bool,
) -> Recipe {
    Recipe::New(Parameters {
        cipher: AlgorithmId::new(cipher.0, cipher.1, 0),
        name_coding: AlgorithmId::new(names.0, names.1, names.2),
        key_bits,
        block_len,
        plain_data: false,
        file_iv,
        chained_names,
        mac_len,
        rand_len,
        allow_holes,
    })
}

fn plain_data(recipe: Recipe) -> Recipe {
    match recipe {
        Recipe::New(parameters) => Recipe::New(Parameters { plain_data: true, ..parameters }),
        other => other,
    }
}

fn revision(revision: u32, recipe: Recipe) -> Recipe {
    match recipe {
        Recipe::New(parameters) => Recipe::Revision(revision, parameters),
        other => other,
    }
}

fn frozen(name: &'static str) -> Recipe {
    Recipe::Frozen(name)
}

/// Only the number differs: the revisions from 20080816 on derive the key in the same way.
fn set_revision(volume: &ScratchVolume, revision: u32) {
    let path = volume.cipher().join(".encfs6.xml");
    let text = fs::read_to_string(&path).expect("a config that was just written");
    let changed = text.replace("<version>20100713</version>", &format!("<version>{revision}</version>"));
    assert_ne!(text, changed, "the revision stands in the config");
    fs::write(&path, changed).expect("a config of our own");
}
