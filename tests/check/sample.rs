//! A small volume with the kinds of files that people have.

use crate::scratch::Scratch;
use crate::support::rng::Rng;
use encbox::config::{Parameters, Profile};
use encbox::crypto::AlgorithmId;
use std::path::Path;

/// Six kinds of volume that differ in what can be seen of damage.
pub(crate) fn kinds() -> [(&'static str, Parameters); 6] {
    let standard = Profile::Standard.parameters();
    [
        ("boxcryptor", Profile::Boxcryptor.parameters()),
        ("standard", standard.clone()),
        ("paranoia", Profile::Paranoia.parameters()),
        ("sync", Profile::Sync.parameters()),
        ("standard, MAC 8, random 8", Parameters { mac_len: 8, rand_len: 8, ..standard }),
        (
            "external, no MAC",
            Parameters {
                mac_len: 0,
                name_coding: AlgorithmId::new("nameio/stream", 2, 0),
                ..Profile::Paranoia.parameters()
            },
        ),
    ]
}

/// Files that the sample holds.
pub(crate) const FILES: [&str; 18] = [
    "readme.txt",
    "big.bin",
    "Letters/2019/bank.txt",
    "Letters/2019/insurance.md",
    "Letters/2020/bank.txt",
    "Letters/2020/tax.csv",
    "Letters/2020/landlord.txt",
    "Photos/2019/IMG_0001.jpg",
    "Photos/2019/IMG_0002.png",
    "Photos/2020/IMG_0003.jpg",
    "Photos/2020/IMG_0004.jpg",
    "Work/report 2019.pdf",
    "Work/archive.zip",
    "Work/data.bin",
    "Work/Plans/2020/plan.txt",
    "Work/Plans/2020/Pläne.txt",
    "Work/Plans/2021/plan.txt",
    "Work/Plans/2021/budget.csv",
];

/// Directories that hold something and may be moved or renamed.
pub(crate) const FOLDERS: [&str; 9] = [
    "Letters/2019",
    "Letters/2020",
    "Photos/2019",
    "Photos/2020",
    "Work/Plans/2020",
    "Work/Plans/2021",
    "Work/Plans",
    "Letters",
    "Photos",
];

/// Fills an empty volume.
pub(crate) fn fill(scratch: &Scratch) {
    let mut rng = Rng::new(7);
    for folder in ["Letters", "Letters/2019", "Letters/2020", "Photos", "Photos/2019", "Photos/2020"] {
        scratch.mkdir(folder);
    }
    for folder in ["Work", "Work/Plans", "Work/Plans/2020", "Work/Plans/2021"] {
        scratch.mkdir(folder);
    }
    for path in FILES {
        scratch.write(path, &content(path, &mut rng));
    }
}

fn content(path: &str, rng: &mut Rng) -> Vec<u8> {
    let len = 2500 + rng.below(14_000);
    let noise = |rng: &mut Rng, len| {
        let mut noise = rng.bytes(len);
        // data that has zeros at the edge of a block would look like the edge of a hole
        noise.iter_mut().for_each(|byte| *byte |= u8::from(*byte == 0));
        noise
    };
    match Path::new(path).extension().and_then(std::ffi::OsStr::to_str) {
        Some("txt" | "md" | "csv") => text(rng, len as usize).into_bytes(),
        Some("jpg") => [b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), &noise(rng, len)].concat(),
        Some("png") => {
            let end = b"\0\0\0\0IEND\xae\x42\x60\x82";
            [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &noise(rng, len), end].concat()
        }
        Some("pdf") => [b"%PDF-1.7\n".as_slice(), &noise(rng, len), b"\n%%EOF\n"].concat(),
        Some("zip") => [b"PK\x03\x04".as_slice(), &noise(rng, len), b"PK\x05\x06", &[0; 18]].concat(),
        _ => noise(rng, if path == "big.bin" { 60_000 } else { len }),
    }
}

fn text(rng: &mut Rng, len: usize) -> String {
    const WORDS: [&str; 12] =
        ["the", "bank", "writes", "that", "für", "Größe", "account", "is", "2019,", "paid.", "and", "not"];
    let mut text = String::new();
    while text.len() < len {
        text.push_str(rng.pick::<&str>(&WORDS));
        text.push(if rng.below(12) == 0 { '\n' } else { ' ' });
    }
    text
}
