//! Questions and what answers them.

use crate::library::Library;
use encbox::index::{Hit, Piece};

/// Notes of several kinds and languages.
fn notes() -> Library {
    let library = Library::new();
    library.put(
        "Letters/2024/Lake house.md",
        b"---\ntitle: The house by the lake\n---\n\nThe ice was cold. Bring the boat.\n",
    );
    library
        .put("Letters/2023/boats.txt", "Ein altes Boot, Größe: 5 m. Die Überfahrt kostet 12 €.".as_bytes());
    library.put("Letters/cold.txt", b"Nothing of ice here, but the water is cold ice");
    library.put("Photos/Summer/IMG_2024.txt", b"a list of pictures");
    library.put("Notes/tokyo.txt", "昨日は東京都の図書館へ行きました。".as_bytes());
    library.put("Notes/myinvoicedraft.txt", b"total: 12");
    library.put("Notes/table.csv", b"lake,depth\nMaggiore,372\n");
    assert_eq!(library.refresh().entries, 7 + 6, "files and folders");
    library
}

#[test]
fn every_word_has_to_be_there_in_a_name_or_a_text() {
    let library = notes();
    assert_eq!(library.set("lake"), ["Letters/2024/Lake house.md", "Notes/table.csv"]);
    assert_eq!(library.set("lake boat"), ["Letters/2024/Lake house.md"]);
    assert_eq!(library.set("cold ICE"), ["Letters/2024/Lake house.md", "Letters/cold.txt"]);
    assert!(library.set("cold maggiore").is_empty());
    assert!(library.set("zebra").is_empty());
}

#[test]
fn accents_and_case_make_no_difference() {
    let library = notes();
    for question in ["grosse", "GRÖSSE", "größe", "uberfahrt", "Überfahrt"] {
        assert_eq!(library.set(question), ["Letters/2023/boats.txt"], "{question}");
    }
}

#[test]
fn the_beginning_of_a_word_is_enough_and_counts_less() {
    let library = notes();
    assert_eq!(library.paths("boat"), ["Letters/2024/Lake house.md", "Letters/2023/boats.txt"]);
    assert_eq!(library.set("maggi"), ["Notes/table.csv"]);
    assert!(library.set("\"maggi\"").is_empty(), "in quotes only the word itself");
}

#[test]
fn any_three_letters_of_a_name_are_enough() {
    let library = notes();
    assert_eq!(library.set("invoice"), ["Notes/myinvoicedraft.txt"]);
    assert_eq!(library.set("name:voi"), ["Notes/myinvoicedraft.txt"]);
    assert!(library.set("name:total").is_empty());
}

#[test]
fn words_without_blanks_between_them_are_found() {
    let library = notes();
    for question in ["東京", "東京都", "図書館", "都", "昨日", "行きました"] {
        assert_eq!(library.set(question), ["Notes/tokyo.txt"], "{question}");
    }
    assert!(library.set("京東").is_empty());
}

#[test]
fn phrases_and_exclusions() {
    let library = notes();
    assert_eq!(library.set("\"cold ice\""), ["Letters/cold.txt"]);
    assert_eq!(library.set("cold -boat"), ["Letters/cold.txt"]);
    assert_eq!(library.set("cold -\"cold ice\""), ["Letters/2024/Lake house.md"]);
}

/// The one that is left out comes late, so that whoever looks for it is far ahead of the others.
#[test]
fn a_phrase_that_is_not_to_be_there() {
    let library = Library::new();
    for number in 0..40 {
        let text = if number % 19 == 18 { "nothing but cold ice" } else { "cold water, ice" };
        library.put(&format!("{number:02}.txt"), text.as_bytes());
    }
    library.refresh();
    assert_eq!(library.set("cold -\"cold ice\"").len(), 38);
    assert_eq!(library.set("\"cold ice\""), ["18.txt", "37.txt"]);
    assert_eq!(library.set("-\"cold water\" ice"), ["18.txt", "37.txt"]);
}

#[test]
fn a_name_counts_more_than_a_text() {
    let library = notes();
    assert_eq!(library.paths("cold")[0], "Letters/cold.txt");
    assert_eq!(library.paths("lake")[0], "Letters/2024/Lake house.md");
}

#[test]
fn types_and_folders() {
    let library = notes();
    assert_eq!(library.set("type:markdown"), ["Letters/2024/Lake house.md"]);
    assert_eq!(library.set("type:md type:csv"), ["Letters/2024/Lake house.md", "Notes/table.csv"]);
    assert_eq!(library.set("type:folder path:letters"), ["Letters/2023", "Letters/2024"]);
    assert_eq!(library.set("path:/Letters/2023"), ["Letters/2023/boats.txt"]);
    assert_eq!(library.set("path:summer"), ["Photos/Summer/IMG_2024.txt"]);
    assert!(library.set("path:/summer").is_empty(), "not from the root");
    assert_eq!(library.set("ice path:letters"), ["Letters/2024/Lake house.md", "Letters/cold.txt"]);
}

#[test]
fn sizes_and_times() {
    let library = notes();
    library.put("Notes/big.txt", &b"word ".repeat(1000));
    library.write("Notes/new.txt", b"just now");
    library.refresh();
    assert_eq!(library.set("size:>4k type:text"), ["Notes/big.txt"]);
    assert_eq!(library.set("size:5000..5000"), ["Notes/big.txt"]);
    assert!(library.set("size:>1M").is_empty());
    assert_eq!(library.set("after:2000 before:2001"), [""; 0]);
    assert_eq!(library.paths("type:text after:2000")[0], "Notes/new.txt", "the newest first");
    assert_eq!(library.ask("type:text").count, 7);
}

#[test]
fn hits_come_in_pages() {
    let library = notes();
    let query = encbox::index::Query::parse("type:text").expect("a filter");
    let pages: Vec<_> =
        (0..3).map(|page| library.index().search(&query, 2, page * 2).expect("a page")).collect();
    let mut seen: Vec<_> =
        pages.iter().flat_map(|page| &page.hits).map(|hit| hit.entry.path.clone()).collect();
    assert!(pages.iter().all(|page| page.count == 5), "all are counted");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[test]
fn a_page_beyond_the_last_is_empty_however_far() {
    let library = notes();
    let query = encbox::index::Query::parse("type:text").expect("a filter");
    for (limit, offset) in [(20, 5), (20, 13), (20, 14), (20, 4_000_000_000), (usize::MAX, usize::MAX)] {
        let page = library.index().search(&query, limit, offset).expect("a page");
        assert_eq!((page.hits.len(), page.count), (0, 5), "{limit} from {offset}");
    }
    let all = library.index().search(&query, usize::MAX, 1).expect("a page");
    assert_eq!(all.hits.len(), 4);
    let words = encbox::index::Query::parse("ice").expect("a word");
    assert!(library.index().search(&words, 20, 4_000_000_000).expect("a page").hits.is_empty());
}

#[test]
fn hits_do_not_hold_whole_texts() {
    let library = notes();
    let hits = library.ask("cold ice").hits;
    assert!(hits.len() == 2 && hits.iter().all(|hit| !hit.snippet.is_empty() && hit.entry.text.is_empty()));
}

fn shown(pieces: &[Piece]) -> String {
    let show = |piece: &Piece| if piece.marked { format!("[{}]", piece.text) } else { piece.text.clone() };
    pieces.iter().map(show).collect()
}

fn only(library: &Library, question: &str) -> Hit {
    let mut found = library.ask(question);
    assert_eq!(found.hits.len(), 1, "{question}");
    found.hits.remove(0)
}

#[test]
fn hits_show_where_the_words_are() {
    let library = notes();
    let hit = only(&library, "ice boat");
    assert_eq!(shown(&hit.name), "Lake house.md");
    assert_eq!(shown(&hit.snippet), "The [ice] was cold. Bring the [boat].");
    assert_eq!(shown(&only(&library, "東京都").snippet), "昨日は[東京都]の図書館へ行きました。");
    assert_eq!(shown(&only(&library, "maggi").snippet).matches("[Maggiore]").count(), 1);
    assert_eq!(
        shown(&only(&library, "name:invoice").snippet),
        "total: 12",
        "the beginning, if they are elsewhere"
    );
}

#[test]
fn entries_know_what_the_volume_knows() {
    let library = notes();
    let hit = only(&library, "type:md");
    let entry = hit.entry;
    let on_disk = library.on_disk("Letters/2024/Lake house.md");
    let meta = std::fs::metadata(&on_disk).expect("on disk");
    assert_eq!(entry.title.as_deref(), Some("The house by the lake"));
    assert_eq!((entry.kind.as_str(), entry.mime.as_deref()), ("markdown", Some("text/markdown")));
    assert_eq!(library.folder.path().join(&entry.cipher_path), on_disk);
    assert_eq!((entry.cipher_size, entry.mtime), (meta.len(), meta.modified().expect("a time")));
    assert_eq!(entry.size, library.read("Letters/2024/Lake house.md").len() as u64);
    let digest = |bytes: &[u8]| -> [u8; 32] { <sha2::Sha256 as sha2::Digest>::digest(bytes).into() };
    assert_eq!(entry.hash, Some(digest(&library.read("Letters/2024/Lake house.md"))));
    let ciphertext = std::fs::read(&on_disk).expect("on disk");
    assert_eq!(entry.content_hash, Some(digest(&digest(&ciphertext))), "one block: the digest of its digest");
}

#[test]
fn pictures_have_a_thumbnail_and_links_their_target() {
    let library = Library::new();
    let photo = std::fs::read("tests/preview/corpus/photo.jpg").expect("a sample");
    library.put("photo.jpg", &photo);
    let (dir, name) = library.entry("shortcut");
    library.volume.symlink("photo.jpg".as_ref(), &dir, name.as_ref(), None).expect("a link");
    library.refresh();
    let hit = only(&library, "type:image");
    assert!(hit.entry.thumbnail.is_some_and(|bytes| bytes.starts_with(&[0xff, 0xd8])));
    let link = only(&library, "type:link").entry;
    assert_eq!((link.path.display().as_str(), link.text.as_str()), ("shortcut", "photo.jpg"));
}
