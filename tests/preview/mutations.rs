//! 500 damaged files of every kind, and some that are made to take memory: no panic, no more than two seconds of a
//! processor, no more than 256 MiB of memory.
//!
//! The work is done by this program called again, whose memory the system bounds; so even a file that brings it down
//! is named, and can be made again: damage comes from a seed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![allow(clippy::print_stdout, reason = "how far it came is told to the program that waits")]

mod clock;
#[path = "../support/rng.rs"]
mod rng;

use clock::processor_time;
use encbox::preview::{Limits, Source, preview};
use rng::Rng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PER_KIND: u64 = 500;
const MEMORY: u64 = 256 * 1024 * 1024;
const SECONDS: f64 = 2.0;
/// Tells the program that it is called to do the work for these kinds.
const TASK: &str = "ENCBOX_TEST_MUTATE";
/// Threads share the processors; each program has one.
const PROGRAMS: usize = 2;

/// Kinds, and the extensions of the files that they begin from.
const KINDS: &[(&str, &str)] = &[
    ("markdown", "md"),
    ("text", "txt srt log"),
    ("code", "rs py js css c sql sh ts"),
    ("opml", "opml"),
    ("freemind", "mm"),
    ("xmind", "xmind"),
    ("mmap", "mmap"),
    ("table", "csv tsv"),
    ("data", "json xml yaml toml ini ndjson"),
    ("html", "html xhtml"),
    ("svg", "svg"),
    ("jpeg", "jpg"),
    ("png", "png"),
    ("webp", "webp"),
    ("gif", "gif"),
    ("bmp", "bmp"),
    ("tiff", "tiff"),
    ("heic", "heic"),
    ("pdf", "pdf"),
    ("docx", "docx"),
    ("xlsx", "xlsx"),
    ("pptx", "pptx"),
    ("odt", "odt"),
    ("ods", "ods"),
    ("odp", "odp"),
    ("rtf", "rtf"),
    ("epub", "epub"),
    ("audio", "mp3 flac ogg opus m4a wav"),
    ("video", "mp4 mkv webm mov avi"),
    ("archive", "zip tar gz tgz jar deb"),
    ("drawing", "svgz"),
    ("icon", "ico"),
    ("font", "ttf"),
    ("mail", "eml"),
    ("other", "bin sqlite doc"),
];
/// The task of files that are made to take memory, a hundred times their own length.
const GREEDY: &str = "greedy";

#[test]
fn damaged_files_of_every_kind() {
    if let Ok(task) = std::env::var(TASK) {
        return work(&task);
    }
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).chain([GREEDY]).collect();
    // dealt like cards, since neighbours cost alike
    let programs: Vec<(String, Child)> = (0..PROGRAMS)
        .map(|at| kinds.iter().skip(at).step_by(PROGRAMS).copied().collect::<Vec<_>>().join(" "))
        .map(|task| (task.clone(), start(&task)))
        .collect();
    for (task, program) in programs {
        let output = program.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let last = said.lines().rev().find(|line| line.starts_with("at ")).unwrap_or("the beginning");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{task}: {} {last}\n{errors}", output.status);
        let count = said.lines().filter(|line| line.starts_with("done ")).count();
        assert_eq!(count, task.split(' ').count(), "{said}");
    }
}

fn start(task: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "damaged_files_of_every_kind", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        // each arena would reserve addresses that count
        .env("MALLOC_ARENA_MAX", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn work(task: &str) {
    bound_memory();
    let only = std::env::var("ENCBOX_TEST_MUTATION").ok().and_then(|number| number.parse::<u64>().ok());
    for kind in task.split(' ') {
        if kind == GREEDY {
            greedy();
            continue;
        }
        let seeds = seeds(kind);
        assert!(!seeds.is_empty(), "no file of the kind {kind}");
        let mut slowest = 0.0f64;
        for number in only.map_or(0..PER_KIND, |number| number..number + 1) {
            let mut rng = Rng::new(number << 16 ^ kind.len() as u64);
            let (name, bytes) = &seeds[(number % seeds.len() as u64) as usize];
            let damaged = damage(bytes, name, &seeds, &mut rng);
            // flushed, so that it is known what brought this down
            println!("at {kind} {number}, {name}");
            let before = processor_time();
            let seen = preview(&Source::new(name, &damaged), &Limits::default());
            let took = processor_time() - before;
            slowest = slowest.max(took);
            assert!(took < SECONDS, "{kind} {number}, {name}: {took} s");
            assert!(seen.snippet.chars().count() <= 200 && seen.text.len() <= Limits::default().text_len);
        }
        println!("done {kind}, the slowest in {slowest:.3} s");
    }
}

fn greedy() {
    let pdf = |object: &str, many: &str, end: &str| {
        let many = many.repeat(4_000_000 / many.len());
        let objects =
            "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n";
        format!("%PDF-1.4\n{objects}3 0 obj{object}{many}{end}endobj\ntrailer<</Root 1 0 R>>").into_bytes()
    };
    // one string that everything is
    let string = || {
        let info = "<</Title 4 0 R/Author 4 0 R/Subject 4 0 R/Keywords 4 0 R>>";
        let text = "(".to_owned() + &"x".repeat(20_000_000) + ")";
        format!("%PDF-1.4\n4 0 obj{text}endobj\n5 0 obj{info}endobj\ntrailer<</Root 1 0 R/Info 5 0 R>>")
            .into_bytes()
    };
    // what codes mean, and a text of many codes
    let map = |row: String| {
        let map = format!("1 beginbfrange {row} endbfrange");
        let stream = |text: &str| format!("<</Length {}>>stream\n{text}\nendstream", text.len());
        let text = stream(&format!("BT /F 9 Tf <{}> Tj ET", "0041".repeat(250_000)));
        let font = "<</Type/Font/Encoding/Identity-H/ToUnicode 5 0 R>>";
        format!(
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
             3 0 obj<</Type/Page/Contents 4 0 R/Resources<</Font<</F {font}>>>>>>endobj\n4 0 obj{text}endobj\n\
             5 0 obj{}endobj\ntrailer<</Root 1 0 R>>",
            stream(&map)
        )
        .into_bytes()
    };
    let mail = |first: &str, many: &str| {
        let head = "From: a@b.c\nDate: Tue, 1 Apr 2025 10:00:00 +0000\n";
        format!("{head}{first}{}\n\nx", many.repeat(12_000_000 / many.len())).into_bytes()
    };
    let tiff = || {
        let mut tiff = b"II*\0\x08\0\0\0\x06\0".to_vec();
        for tag in [270u16, 271, 272, 306, 315, 33432] {
            tiff.extend(tag.to_le_bytes().into_iter().chain([2, 0]));
            tiff.extend(12_000_000u32.to_le_bytes().into_iter().chain([100, 0, 0, 0]));
        }
        tiff.resize(12_001_000, 0);
        tiff
    };
    let zipped = |name: &str, content: String| {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
        archive.finish().unwrap().into_inner()
    };
    let sheet = |first: [&str; 2], name: &str, row: String| {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for [name, content] in [first, [name, &row]] {
            archive.start_file(name, options).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    let quotes = || format!("<w:document><w:p><w:r><w:t>{}", "\"".repeat(15_000_000));
    // made one by one, since they count as well
    let book = ["xl/workbook.xml", "<workbook><sheets><sheet name='a'/></sheets></workbook>"];
    let calc = ["mimetype", "application/vnd.oasis.opendocument.spreadsheet"];
    let files: [(&str, &dyn Fn() -> Vec<u8>); 15] = [
        ("page.pdf", &|| pdf("<</Type/Page/Contents[", "4 0 R ", "]>>")),
        ("font.pdf", &|| pdf("<</Type/Page/Resources<</Font<</A[", "()", "]>>>>>>")),
        ("brackets.pdf", &|| pdf("[", "<<>>", "]")),
        ("string.pdf", &|| string()),
        ("map.pdf", &|| map("<00000000> <FFFFFFFF> <0041>".into())),
        ("long.pdf", &|| map(format!("<0000> <FFFF> <{}>", "0041".repeat(250)))),
        ("list.pdf", &|| map(format!("<0000> <FFFF> [{}]", "<0041> ".repeat(30_000)))),
        ("blanks.xlsx", &|| {
            let row = format!("<x><row><c><v>{}</v></c></row></x>", " ".repeat(15_000_000));
            sheet(book, "xl/worksheets/sheet1.xml", row)
        }),
        ("blanks.ods", &|| {
            let cell = "<s c='256'/>".repeat(1_000_000);
            sheet(
                calc,
                "content.xml",
                format!("<table><table-row><table-cell>{cell}x</table-cell></table-row></table>"),
            )
        }),
        ("headers.eml", &|| mail("", "X: y\n")),
        ("people.eml", &|| mail("To: ", "a,")),
        ("parts.eml", &|| mail("Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n")),
        ("tags.tiff", &tiff),
        ("quotes.docx", &|| zipped("word/document.xml", quotes())),
        ("values.xmind", &|| zipped("content.json", format!("[{}0]", "0,".repeat(7_000_000)))),
    ];
    for (name, make) in files {
        let bytes = make();
        println!("at {GREEDY} {name}");
        let before = processor_time();
        preview(&Source::new(name, &bytes), &Limits::default());
        let took = processor_time() - before;
        assert!(took < SECONDS, "{name}: {took} s");
    }
    println!("done {GREEDY}");
}

/// No more addresses than there are now, and 256 MiB.
fn bound_memory() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:")?.split_whitespace().next()?.parse::<u64>().ok());
    if let Some(size) = size {
        let most = size * 1024 + MEMORY;
        let limit = Rlimit { current: Some(most), ..getrlimit(Resource::As) };
        setrlimit(Resource::As, limit).unwrap();
    }
}

fn seeds(kind: &str) -> Vec<(String, Vec<u8>)> {
    let (_, extensions) = KINDS.iter().find(|(known, _)| *known == kind).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preview/corpus");
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| {
            name.rsplit_once('.').is_some_and(|(_, end)| extensions.split(' ').any(|known| known == end))
        })
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    seeds.sort();
    seeds
}

/// Half of the archives are damaged inside, where no checksum ends it early.
fn damage(bytes: &[u8], name: &str, seeds: &[(String, Vec<u8>)], rng: &mut Rng) -> Vec<u8> {
    if bytes.starts_with(b"PK")
        && rng.below(2) == 0
        && let Some(packed) = damaged_inside(bytes, rng)
    {
        return packed;
    }
    let mut bytes = bytes.to_vec();
    if name.ends_with("gz") && rng.below(2) == 0 {
        let mut content = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut content).unwrap();
        strike(&mut content, seeds, rng);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&content).unwrap();
        return encoder.finish().unwrap();
    }
    strike(&mut bytes, seeds, rng);
    bytes
}

fn damaged_inside(bytes: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let victim = rng.below(archive.len() as u64) as usize;
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).ok()?;
        let name = file.name().ok()?.into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).ok()?;
        if at == victim {
            strike(&mut content, &[], rng);
        }
        packed.start_file(name, options).ok()?;
        packed.write_all(&content).ok()?;
    }
    Some(packed.finish().ok()?.into_inner())
}

/// One to eight blows.
fn strike(bytes: &mut Vec<u8>, seeds: &[(String, Vec<u8>)], rng: &mut Rng) {
    for _ in 0..=rng.below(8) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len() as u64;
        let at = rng.below(len) as usize;
        let piece = (rng.below(64) as usize + 1).min(bytes.len() - at);
        match rng.below(12) {
            0 | 1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes[at] = *rng.pick(&[0, 1, 0x7f, 0x80, 0xff, b'<', b'(', b'[', b'"', b'\n']),
            3 => bytes.truncate(at),
            // a length or an offset that is absurd
            4 => bytes[at..at + piece.min(4)].fill(*rng.pick(&[0, 0xff, 0x7f])),
            5 => {
                let noise = rng.bytes(piece as u64);
                bytes[at..at + piece].copy_from_slice(&noise);
            }
            6 => drop(bytes.drain(at..at + piece)),
            7 => {
                let copy = bytes[at..at + piece].to_vec();
                bytes.splice(at..at, copy);
            }
            8 => {
                let many = bytes[at..at + piece].repeat(rng.below(400) as usize + 1);
                bytes.splice(at..at, many);
            }
            9 => {
                let from = rng.below(len) as usize;
                let copy = bytes[from..from + piece.min(bytes.len() - from)].to_vec();
                let end = (at + copy.len()).min(bytes.len());
                bytes.splice(at..end, copy);
            }
            // the rest of another file of the kind
            10 if !seeds.is_empty() => {
                let (_, other) = rng.pick(seeds);
                let from = rng.below(other.len() as u64) as usize;
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            // a digit that counts more than there is
            _ => {
                if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *digit = b'9';
                }
            }
        }
    }
}
