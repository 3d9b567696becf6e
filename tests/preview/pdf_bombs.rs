//! PDF files of a few kilobytes that ask for a great deal: of fonts, of the tree of pages, of what is looked at in vain.

use crate::bombs::ends;
use crate::samples::deflated;
use std::fmt::Write;

/// A file of these objects, numbered from 1; the first is the catalogue.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    for (at, object) in objects.iter().enumerate() {
        file.extend(format!("{} 0 obj", at + 1).bytes());
        file.extend(object);
        file.extend(b"endobj\n");
    }
    file.extend(b"trailer<</Root 1 0 R>>");
    file
}

fn packed(content: &[u8]) -> Vec<u8> {
    let content = deflated(content);
    let head = format!("<</Filter/FlateDecode/Length {}>>stream\n", content.len());
    [head.as_bytes(), &content[..], b"\nendstream "].concat()
}

/// One page, in a font whose codes mean what `map` says.
fn with_map(map: &str, content: &[u8]) -> Vec<u8> {
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_vec(),
        packed(content),
        b"<</Type/Font/Subtype/Type0/Encoding/Identity-H/ToUnicode 6 0 R>>".to_vec(),
        packed(map_of(map).as_bytes()),
    ])
}

fn map_of(rows: &str) -> String {
    format!(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /X def\n/CMapType 2 def\n{rows}\
         endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    )
}

#[test]
fn maps_of_codes() {
    let content = b"BT /F 9 Tf <0041004200430044> Tj ET";
    let seen = ends("a.pdf", with_map("1 beginbfrange\n<0000> <FFFF> <0000>\nendbfrange\n", content));
    assert_eq!((seen.text.trim(), seen.partial), ("ABCD", false));
    // all codes of four bytes; a long text for each of two; one list that every row divides
    for rows in [
        "1 beginbfrange\n<00000000> <FFFFFFFF> <0041>\nendbfrange\n".to_owned(),
        "1 beginbfrange\n<000000> <FFFFFF> <0041>\nendbfrange\n".to_owned(),
        format!("1 beginbfrange\n<0000> <FFFF> <{}>\nendbfrange\n", "0041".repeat(256)),
        format!(
            "1 beginbfrange\n<0000> <FFFF> [{}]\nendbfrange\n1 beginbfchar\n{}endbfchar\n",
            "<0041> ".repeat(15_000),
            (0..7000).fold(String::new(), |mut rows, at| {
                writeln!(rows, "<{:04X}> <0042>", at * 2 + 1).unwrap();
                rows
            })
        ),
        format!("1 begincodespacerange\n{}endcodespacerange\n", "<11> <11>\n".repeat(20_000))
            + "1 beginbfrange\n<0000> <FFFF> <0000>\nendbfrange\n",
    ] {
        ends("a.pdf", with_map(&rows, content));
        // and a long text in that font
        let words = format!("BT /F 9 Tf <{}> Tj ET", "0041".repeat(250_000));
        ends("a.pdf", with_map(&rows, words.as_bytes()));
    }
}

#[test]
fn fonts() {
    let catalogue = b"<</Type/Catalog/Pages 2 0 R>>".to_vec();
    let pages =
        b"<</Type/Pages/Count 20/Kids[3 0 R 4 0 R 5 0 R 6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R 12 0 R]>>"
            .to_vec();
    // many names, in each node above each page
    let mut objects = vec![catalogue.clone(), pages.clone()];
    (0..10).for_each(|_| objects.push(b"<</Type/Page/Parent 14 0 R/Resources<</Font 13 0 R>>>>".to_vec()));
    let names = (0..60_000).fold(String::from("<<"), |mut names, at| {
        write!(names, "/F{at} 2 0 R").unwrap();
        names
    });
    objects.push((names + ">>").into_bytes());
    (14..50).for_each(|at| {
        objects.push(format!("<</Parent {} 0 R/Resources<</Font 13 0 R>>>>", at + 1).into_bytes());
    });
    ends("a.pdf", pdf(&objects));
    // many fonts with one long list of names, and with one large map
    for (font, shared) in [
        ("/Encoding 14 0 R", format!("<</Differences[{}]>>", "/A ".repeat(100_000)).into_bytes()),
        (
            "/ToUnicode 14 0 R",
            packed(
                map_of(&format!("1 beginbfchar\n{}endbfchar\n", "<01><0041>\n".repeat(22_000))).as_bytes(),
            ),
        ),
    ] {
        let mut objects = vec![catalogue.clone(), pages.clone()];
        for _ in 0..10 {
            let fonts = (0..32).fold(String::new(), |mut fonts, at| {
                write!(fonts, "/F{at}<</Type/Font{font}>>").unwrap();
                fonts
            });
            let page =
                format!("<</Type/Page/Contents 13 0 R/Resources<</Font<<{fonts}/A<</Type/Font{font}>>>>>>>>");
            objects.push(page.into_bytes());
        }
        objects.push(packed(b"BT /F1 9 Tf (abc) Tj ET"));
        objects.push(shared);
        // so that it is loaded
        objects[3] = b"<</Type/Page/Contents 13 0 R/Resources<</Font<</F 15 0 R>>>>>>".to_vec();
        objects.push(format!("<</Type/Font{font}>>").into_bytes());
        ends("a.pdf", pdf(&objects));
    }
}

#[test]
fn lists_that_many_nodes_have_in_common() {
    let list = |item: &str| format!("[{}]", item.repeat(60_000)).into_bytes();
    let catalogue = b"<</Type/Catalog/Pages 2 0 R>>".to_vec();
    // nodes without a page, each with all of one list below it
    let mut objects = vec![catalogue.clone(), b"<</Type/Pages/Kids 3 0 R/Count 9>>".to_vec()];
    let kids = (4..30_000).fold(String::from("["), |mut kids, at| {
        write!(kids, "{at} 0 R ").unwrap();
        kids
    });
    objects.push((kids + "]").into_bytes());
    (4..30_000).for_each(|_| objects.push(b"<</Kids 3 0 R>>".to_vec()));
    assert!(ends("a.pdf", pdf(&objects)).partial);
    // pieces of contents that are one list, of nothing or of what is not there
    for item in ["0 ", "99999 0 R "] {
        let mut objects = vec![catalogue.clone(), b"<</Type/Pages/Count 20/Kids[".to_vec()];
        (3..23).for_each(|at| objects[1].extend(format!("{at} 0 R ").bytes()));
        objects[1].extend(b"]>>");
        let pieces = "23 0 R ".repeat(256);
        (3..23).for_each(|_| objects.push(format!("<</Type/Page/Contents[{pieces}]>>").into_bytes()));
        objects.push(list(item));
        ends("a.pdf", pdf(&objects));
    }
}

#[test]
fn what_is_looked_at_in_vain() {
    // strings, numbers and names that go on to the end of the file, looked at from each object
    for (object, rest) in [
        ("<", "4".repeat(8_000_000)),
        ("<</A <", "4".repeat(8_000_000)),
        ("(", " ".repeat(8_000_000)),
        ("1 %", " ".repeat(8_000_000)),
        ("/", "a".repeat(8_000_000)),
        ("1", " ".repeat(8_000_000)),
    ] {
        let objects: String = (1..3000).map(|at| format!("{at} 0 obj{object}\n")).collect();
        ends("a.pdf", format!("%PDF-1.4\n{objects}{rest}"));
    }
    // a length that is behind many blanks, looked up for every stream
    let streams: String = (3..3000)
        .map(|at| format!("{at} 0 obj<</Type/ObjStm/N 1/First 1/Length 2 0 R>>stream\nxendstream endobj\n"))
        .collect();
    ends("a.pdf", format!("%PDF-1.4\n{streams}2 0 obj 1 {}0", " ".repeat(8_000_000)));
}

#[test]
fn instructions() {
    let page = |content: String| {
        pdf(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F<</Type/Font>>>>>>>>".to_vec(),
            packed(content.as_bytes()),
        ])
    };
    for piece in
        ["[", "<<", "(", "<</a", "[(a)", "BI ", "1 ", "/a ", "BI /W 1 ID ", "<", "%", "(a)Tj ", "'", "\\"]
    {
        ends("a.pdf", page(format!("BT /F 9 Tf {}", piece.repeat(1_000_000 / piece.len()))));
    }
}

#[test]
fn a_font_without_a_meaning_is_told() {
    let file = pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Encoding/Identity-H>>>>>>>>".to_vec(),
        packed(b"BT /F 9 Tf <0041> Tj ET"),
    ]);
    let seen = ends("a.pdf", file);
    assert!(seen.partial && seen.text.trim().is_empty(), "{}", seen.text);
}
