//! Files that want to run something, load something, or pass for something else when they are looked at.

use crate::samples::{all_strings, seen, zipped};
use encbox::preview::Body;

/// None of these may appear in anything that is shown as HTML or SVG.
const FORBIDDEN: &[&str] = &[
    "<script",
    "javascript:",
    "onerror",
    "onload",
    "onclick",
    "<iframe",
    "<object",
    "<embed",
    "<style",
    "<link",
    "<meta",
    "<base",
    "<form",
    "<input",
    "vbscript:",
    "data:text",
    "srcdoc",
    "expression(",
    "@import",
    "<foreignobject",
    "<animate",
    "<set",
    "formaction",
    "style=",
    "srcset",
    "http://tracker",
    "//tracker",
    "file:",
];

fn html_of(name: &str, source: &str) -> String {
    let seen = seen(name, source);
    match &seen.body {
        Body::Html(html) => html.clone(),
        Body::Svg(svg) => svg.clone(),
        body => panic!("{name}: {body:?}"),
    }
}

#[track_caller]
fn is_harmless(name: &str, source: &str) {
    let shown = html_of(name, source).to_ascii_lowercase();
    for forbidden in FORBIDDEN {
        assert!(!shown.contains(forbidden), "{forbidden} in the preview of {source:?}: {shown}");
    }
    // no attribute of events, whatever it is called
    let tags = shown.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    for tag in tags {
        assert!(
            !tag.split([' ', '\n', '/']).any(|word| word.starts_with("on") && word.contains('=')),
            "{tag}"
        );
    }
}

const PAGES: &[&str] = &[
    "<p>x<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><p>x",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe src='http://tracker/'></iframe>",
    "<img src='http://tracker/pixel.gif'>",
    "<img src='//tracker/pixel.gif'>",
    "<img src='\\\\tracker\\pixel.gif'>",
    "<img srcset='http://tracker/a 1x'>",
    "<p style='background:url(http://tracker/)'>x",
    "<style>@import 'http://tracker/'</style><p>x",
    "<link rel=stylesheet href=http://tracker/><p>x",
    "<meta http-equiv=refresh content='0;url=http://tracker/'><p>x",
    "<base href='http://tracker/'><a href=x>x</a>",
    "<form action='http://tracker/'><input name=a><button formaction=x>x</button></form>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
    "<title><img title=\"</title><img src=x onerror=alert(1)>\"></title>",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\"></xmp>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<p id=x class=cc name=y>x<span class='cc x'>y</span>",
    "<template><script>alert(1)</script></template><p>x",
    "<plaintext><script>alert(1)</script>",
    "<a href='vbscript:x'>x</a><a href='file:///etc/passwd'>y</a>",
    "<video src=http://tracker/ poster=http://tracker/ onerror=alert(1)></video><audio src=http://tracker/></audio>",
    "<object data=http://tracker/><embed src=http://tracker/>",
    "<table background=http://tracker/><td background=http://tracker/>x",
    "<ScRiPt>alert(1)</sCrIpT><IMG SRC=x OnErRoR=alert(1)>",
    "<select><template><style><!--</style><a rel=\"--></style></template></select><img id=x src onerror=alert(1)>\">",
];

#[test]
fn pages_of_the_web() {
    for page in PAGES {
        is_harmless("page.html", page);
        is_harmless("page.html", &format!("<html><body>{page}</body></html>"));
    }
}

#[test]
fn the_same_in_markdown() {
    for page in PAGES {
        is_harmless("page.md", page);
        is_harmless("page.md", &format!("# Title\n\n{page}\n\nText\n"));
    }
    for link in [
        "[x](javascript:alert(1))",
        "![x](http://tracker/pixel.gif)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "```html onerror=\n<script>alert(1)</script>",
    ] {
        let shown = html_of("page.md", link).to_ascii_lowercase();
        assert!(!shown.contains("href=\"javascript") && !shown.contains("tracker/pixel"), "{shown}");
        assert!(!shown.contains("href=\"data") && !shown.contains("<script"), "{shown}");
    }
}

#[test]
fn the_same_in_mail() {
    for page in PAGES {
        let mail = format!(
            "From: a@b.c\nDate: Tue, 1 Apr 2025 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<p>{page}</p>"
        );
        is_harmless("mail.eml", &mail);
    }
}

#[test]
fn drawings() {
    for inside in [
        "<script>alert(1)</script>",
        "<rect onload='alert(1)' onclick='x'/>",
        "<a href='javascript:alert(1)'><text>x</text></a>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><iframe src='http://tracker/'/></body></foreignObject>",
        "<image href='http://tracker/a.png'/><image xlink:href='data:text/html,x'/>",
        "<use href='http://tracker/a.svg#x'/>",
        "<rect fill='url(http://tracker/)' style='fill:url(http://tracker/)'/>",
        "<style>@import 'http://tracker/';</style>",
        "<set attributeName='onload' to='alert(1)'/><animate attributeName='href' values='javascript:alert(1)'/>",
        "<rect fill='u\\72l(http://tracker/)'/>",
        "<rect mask='image-set(\"http://tracker/\" 1x)' fill='src(\"//tracker\")' style='mask:image(\"//tracker\")'/>",
        "<style>.a{fill:url(http://tracker/)} .b{fill:red;background:url(http://tracker/)}</style><rect class='a b'/>",
        "<rect ONLOAD='alert(1)' HREF='//tracker' xlink:onclick='x'/><image HREF='http://tracker/'/>",
        "<filter id='f'><feImage href='http://tracker/'/></filter><g filter='url(//tracker#f)'/>",
    ] {
        is_harmless(
            "drawing.svg",
            &format!(
                "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>{inside}<rect width='1' height='1'/></svg>"
            ),
        );
    }
    let kept = html_of(
        "d.svg",
        "<svg xmlns='http://www.w3.org/2000/svg'><defs><linearGradient id='a'/></defs><rect fill='url(#a)'/></svg>",
    );
    assert!(kept.contains("fill=\"url(#a)\""), "{kept}");
}

#[test]
fn what_is_wanted_stays() {
    let html = html_of(
        "page.html",
        "<h1>T</h1><p><a href='https://example.org/a?b=1&c'>l</a> <img src='pictures/a.png' alt='A'> \
        <b>bold</b></p><table><tr><td colspan=2>c</td></tr></table><ul><li>i</li></ul><pre>p\n q</pre>",
    );
    for part in [
        "<h1>T</h1>",
        "<a href=\"https://example.org/a?b=1&amp;c\" rel=\"noopener noreferrer\">l</a>",
        "<img src=\"pictures/a.png\" alt=\"A\">",
        "<b>bold</b>",
        "<td colspan=\"2\">c</td>",
        "<ul><li>i</li></ul>",
        "<pre>p\n q</pre>",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
}

#[test]
fn names_in_archives_and_documents_are_shown_as_text() {
    let name = "a<script>alert(1)</script>\u{202e}gpj.exe";
    let archive = seen("a.zip", zipped(&[(name, b"x")]));
    assert!(!archive.to_html().contains("<script"));
    assert!(!all_strings(&archive).contains('\u{202e}'));
    let book = seen(
        "a.opml",
        "<opml><head><title>&lt;script&gt;</title></head><body><outline text='&lt;img src=x onerror=y&gt;'/></body></opml>",
    );
    assert!(!book.to_html().contains("<img"), "{}", book.to_html());
    let table = seen("a.csv", "a,<script>alert(1)</script>\n");
    assert!(!table.to_html().contains("<script"));
    let code = seen("a.js", "// <script>alert(1)</script>\nlet x = \"</span><img src=x>\";");
    assert!(!code.to_html().contains("<img") && !code.to_html().contains("<script"), "{}", code.to_html());
}
