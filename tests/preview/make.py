#!/usr/bin/env python3
"""Makes the files of corpus/ that no editor writes: pictures, sound, film, Office documents, PDF, archives.

They are kept in the repository, so that tests need none of this; made anew they differ in dates and versions. Needs

    apt-get install imagemagick libimage-exiftool-perl ffmpeg pandoc qpdf groff binutils ghostscript libheif-examples sqlite3 file
    pip install openpyxl python-pptx odfpy
"""
import email.message
import email.policy
import gzip
import io
import json
import os
import struct
import subprocess
import tarfile
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "corpus")
os.makedirs(CORPUS, exist_ok=True)
os.chdir(CORPUS)
SCRATCH = tempfile.mkdtemp()


def run(*command, **more):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def scratch(name):
    return os.path.join(SCRATCH, name)


def write(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def read(name):
    with open(name, "rb") as file:
        return file.read()


def zipped(name, files, stored=()):
    with zipfile.ZipFile(name, "w") as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, (2025, 4, 1, 10, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if path in stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


# as drawing programs write it: classes, styles, prefixes of their own, clones, links
INKED = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:inkscape="http://www.inkscape.org/"
 inkscape:version="1.4" version="1.1" id="root" width="40mm" height="30mm" viewBox="0 0 40 30">
<style>.water, .deep { fill: #3060c0; stroke: none } .deep { fill: #102040 }</style>
<g inkscape:label="Layer 1" id="layer1" style="display:inline">
<path class="water" d="M 0 10 H 40 V 30 H 0 Z"/><circle id="buoy" class="deep" style="stroke:#ffffff;stroke-width:0.5" r="2" cx="10" cy="20"/>
<use xlink:href="#buoy" x="15" transform="rotate(5)"/><a xlink:href="https://example.org/"><text x="2" y="8">the lake</text></a></g></svg>
"""


def pictures():
    scene = ["convert", "-size", "320x240", "gradient:#3060c0-#f0d080", "-fill", "#205020", "-draw", "rectangle 0,180 320,240",
             "-fill", "#ffffa0", "-draw", "circle 250,60 270,60"]
    run(*scene, "-quality", "70", "plain.jpg")
    run(*scene, "-interlace", "JPEG", "-quality", "60", "progressive.jpg")
    run(*scene, "-colorspace", "CMYK", "-quality", "60", "cmyk.jpg")
    # a photo as a camera stores it: on its side, with its own thumbnail
    run("convert", "-size", "640x480", "gradient:#3060c0-#f0d080", "-fill", "#205020", "-draw", "rectangle 0,360 640,480",
        "-quality", "60", "photo.jpg")
    run("convert", "photo.jpg", "-resize", "160x120", "-quality", "60", scratch("thumb.jpg"))
    run("exiftool", "-overwrite_original", "-n", "-Orientation=6", "-Make=Example", "-Model=Example Camera 3",
        "-DateTimeOriginal=2024:07:14 18:30:00", "-ImageDescription=Evening at the lake", "-Artist=Ada",
        "-GPSLatitude=48.20820", "-GPSLatitudeRef=N", "-GPSLongitude=16.37380", "-GPSLongitudeRef=E",
        "-ThumbnailImage<=" + scratch("thumb.jpg"), "photo.jpg")
    # another with a picture of wider shape than its thumbnail, which the camera frames in black
    run("convert", "-size", "720x480", "gradient:#3060c0-#f0d080", "-quality", "50", "wide.jpg")
    run("convert", "wide.jpg", "-resize", "160x120", "-background", "black", "-gravity", "center", "-extent", "160x120",
        "-quality", "60", scratch("framed.jpg"))
    run("exiftool", "-overwrite_original", "-n", "-ThumbnailImage<=" + scratch("framed.jpg"), "wide.jpg")
    run("convert", "-size", "120x80", "xc:none", "-fill", "#c03030", "-draw", "roundrectangle 10,10 110,70 15,15", "picture.png")
    run("convert", "-size", "64x64", "gradient:", "-depth", "16", "deep.png")
    run("convert", "-size", "60x40", "xc:#8080c0", "-colors", "4", "palette.png")
    run("convert", "-delay", "20", "-size", "40x30", "xc:red", "xc:green", "xc:blue", "-loop", "0", "animated.gif")
    run(*scene, "-resize", "160x120", "-quality", "50", "lossy.webp")
    run("convert", "picture.png", "-define", "webp:lossless=true", "lossless.webp")
    run("convert", "picture.png", "-background", "white", "-flatten", "-resize", "60x40", "BMP3:picture.bmp")
    run(*scene, "-resize", "100x75", "-compress", "LZW", "scan.tiff")
    run("convert", "-size", "200x100", "xc:white", "-fill", "black", "-draw", "line 0,0 200,100", "-monochrome", "-compress", "Group4", "fax.tiff")
    run("convert", "photo.jpg", "-strip", "-resize", "128x96", scratch("small.png"))
    run("heif-enc", "-q", "40", "-o", "photo.heic", scratch("small.png"))
    run("exiftool", "-overwrite_original", "-n", "-Make=Example", "-Model=Example Phone",
        "-DateTimeOriginal=2024:07:15 09:00:00", "-ThumbnailImage<=" + scratch("thumb.jpg"), "photo.heic")
    run("convert", "picture.png", "-resize", "32x32", "mark.ico")
    write("misnamed.jpg", read("picture.png"))
    write("inked.svg", INKED)
    write("lake.svgz", gzip.compress(read("lake.svg"), 9, mtime=0))
    write("damaged.jpg", read("plain.jpg")[:1500])


def sound_and_film():
    cover = scratch("cover.png")
    run("convert", "-size", "100x100", "gradient:#203050-#d09060", cover)
    tags = []
    for tag in ["title=A tone", "artist=The Sine Waves", "album=Test Signals", "genre=Drone", "date=2024", "track=3", "comment=440 hertz"]:
        tags += ["-metadata", tag]
    tone = ["ffmpeg", "-y", "-f", "lavfi", "-i", "sine=frequency=440:duration=1:sample_rate=8000"]
    bare = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact"]
    for name, codec in [("tone.mp3", "libmp3lame"), ("tone.flac", "flac"), ("tone.m4a", "aac")]:
        run(*tone, "-i", cover, "-map", "0", "-map", "1", "-c:a", codec, "-b:a", "16k", "-c:v", "copy" if name.endswith("flac") else "mjpeg",
            "-disposition:v", "attached_pic", *bare, *tags, name)
    run(*tone, "-c:a", "libvorbis", "-ar", "8000", "-q:a", "0", *bare, *tags, "tone.ogg")
    run(*tone, "-c:a", "libopus", "-b:a", "8k", *bare, *tags, "tone.opus")
    run(*tone, "-ar", "4000", "-c:a", "pcm_u8", *bare, "-metadata", "title=A tone", "tone.wav")
    film = ["ffmpeg", "-y", "-f", "lavfi", "-i", "testsrc=size=96x64:rate=5:duration=2"]
    name = ["-metadata", "title=A test card", "-metadata", "artist=Ada"]
    run(*film, "-c:v", "mpeg4", "-b:v", "20k", *bare, *name, "film.mp4")
    run(*film, "-c:v", "mpeg4", "-b:v", "20k", *bare, *name, "film.mov")
    run(*film, "-c:v", "mpeg4", "-b:v", "20k", *bare, *name, "film.mkv")
    run(*film, "-c:v", "libvpx", "-b:v", "20k", *bare, *name, "film.webm")
    run(*film, "-c:v", "mpeg4", "-b:v", "20k", *bare, *name, "film.avi")


LETTER = """---
title: A letter
author: Ada
lang: en
---

# Dear reader

This *letter* came out of **pandoc**, as a document that other programs write.

## Things to bring

- bread and butter
- a map of the lake

| thing | price |
|-------|------:|
| bread | 3.20  |
| map   | 8.00  |

Yours, Ada
"""


def documents():
    write(scratch("letter.md"), LETTER)
    for name in ["letter.docx", "letter.odt", "letter.rtf"]:
        run("pandoc", "-s", "-o", name, scratch("letter.md"))
    run("convert", "-size", "120x160", "xc:white", "-fill", "#d0d0d0", "-draw", "rectangle 15,20 105,28", scratch("page.jpg"))
    run("convert", "-size", "120x160", "xc:white", "-fill", "#d0d0d0", "-draw", "rectangle 15,20 105,28", scratch("page.png"))
    with zipfile.ZipFile("letter.docx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.write(scratch("page.jpg"), "docProps/thumbnail.jpeg")
    with zipfile.ZipFile("letter.odt") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    zipped("letter.odt", {**files, "Thumbnails/thumbnail.png": read(scratch("page.png"))}, stored=["mimetype"])
    write("damaged.docx", read("letter.docx")[:4000])

    import openpyxl
    book = openpyxl.Workbook()
    book.properties.title = "Household"
    book.properties.creator = "Ada"
    sheet = book.active
    sheet.title = "2024"
    for row in [["month", "rent", "food"], ["January", 700, 210.5], ["February", 700, 198], [None, None, None], ["sum", "=SUM(B2:B3)", True]]:
        sheet.append(row)
    book.create_sheet("Notes")["C2"] = "paid in advance"
    book.save("household.xlsx")

    import pptx
    deck = pptx.Presentation()
    deck.core_properties.title = "The lake"
    deck.core_properties.author = "Ada"
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = "The lake in summer"
    slide.placeholders[1].text = "an overview"
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Where to swim"
    slide.placeholders[1].text = "north shore\nthe old pier"
    deck.save(scratch("slides.pptx"))
    # most of the file is layouts that nobody uses
    with zipfile.ZipFile(scratch("slides.pptx")) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if "Layout" not in name and "thumbnail" not in name}
    zipped("slides.pptx", files)

    from odf.opendocument import OpenDocumentPresentation, OpenDocumentSpreadsheet
    from odf import dc, draw, style, table, text
    sheet = OpenDocumentSpreadsheet()
    sheet.meta.addElement(dc.Title(text="Temperatures"))
    sheet.meta.addElement(dc.Creator(text="Ada"))
    first = table.Table(name="Lake")
    for cells in [["day", "water"], ["Monday", "19.5"], ["Tuesday", "20.1"]]:
        row = table.TableRow()
        for value in cells:
            cell = table.TableCell()
            cell.addElement(text.P(text=value))
            row.addElement(cell)
        row.addElement(table.TableCell(numbercolumnsrepeated=1000))
        first.addElement(row)
    sheet.spreadsheet.addElement(first)
    sheet.save("temperatures.ods")
    deck = OpenDocumentPresentation()
    deck.meta.addElement(dc.Title(text="Slides of the lake"))
    layout = style.PageLayout(name="layout")
    deck.automaticstyles.addElement(layout)
    master = style.MasterPage(name="master", pagelayoutname=layout)
    deck.masterstyles.addElement(master)
    for title, words in [("First slide", "blue water"), ("Second slide", "green reed")]:
        page = draw.Page(name=title, masterpagename=master)
        deck.presentation.addElement(page)
        for content in [title, words]:
            frame = draw.Frame(width="10cm", height="2cm", x="1cm", y="1cm")
            box = draw.TextBox()
            box.addElement(text.P(text=content))
            frame.addElement(box)
            page.addElement(frame)
    deck.save("slides.odp")

    run("convert", "-size", "150x200", "gradient:#402060-#c0a0e0", scratch("cover.jpg"))
    book = LETTER.replace("A letter", "The book of the lake").replace("# Dear", "# Chapter one\n\nDear") + "\n# Chapter two\n\nThe lake froze.\n"
    write(scratch("book.md"), book)
    run("pandoc", "-o", "book.epub", "--epub-cover-image", scratch("cover.jpg"), scratch("book.md"))


def pdf():
    source = ".TL\nA paper on lakes\n.AU\nAda\n.AB\nLakes are wet.\n.AE\n.NH\nDepth\n.LP\nThe depth of a lake is measured with a rope.\n.bp\n.NH\nWidth\n.LP\nFind the far shore; measure.\n"
    paper = subprocess.run(["groff", "-ms", "-Tpdf"], input=source.encode(), stdout=subprocess.PIPE, check=True).stdout
    write(scratch("paper.pdf"), paper)
    run("qpdf", "--qdf", "--object-streams=disable", scratch("paper.pdf"), "plain.pdf")
    run("qpdf", "--object-streams=generate", "--compress-streams=y", scratch("paper.pdf"), "packed.pdf")
    run("qpdf", "--encrypt", "", "owner", "256", "--", scratch("paper.pdf"), "restricted.pdf")
    postscript = "%!PS\n/Times-Roman findfont 20 scalefont setfont 72 700 moveto (Printed by Ghostscript) show 72 670 moveto (on two lines) show showpage\n"
    run("gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sOutputFile=printed.pdf", "-", input=postscript.encode())
    run("qpdf", "--encrypt", "secret", "owner", "256", "--", "printed.pdf", "locked.pdf")
    jpeg = read("plain.jpg")
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
               b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 240]/Resources<</XObject<</P 4 0 R>>>>/Contents 5 0 R>>",
               b"<</Type/XObject/Subtype/Image/Width 320/Height 240/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
               b"/Length %d>>stream\n%s\nendstream" % (len(jpeg), jpeg),
               b"<</Length 23>>stream\n320 0 0 240 0 0 cm /P Do\nendstream"]
    write(scratch("scanned.pdf"), b"%PDF-1.4\n" + b"".join(b"%d 0 obj%sendobj\n" % (at + 1, body) for at, body in enumerate(objects))
          + b"trailer<</Root 1 0 R/Size 6>>\n")
    # puts in the table of references
    subprocess.run(["qpdf", scratch("scanned.pdf"), "scanned.pdf"], stderr=subprocess.DEVNULL)


def mind_maps():
    run("convert", "-size", "80x60", "xc:#e0f0ff", scratch("map.png"))
    picture = read(scratch("map.png"))
    content = [{"id": "a", "class": "sheet", "title": "Sheet 1", "rootTopic": {"id": "b", "title": "Summer", "children": {"attached": [
        {"id": "c", "title": "Swim", "notes": {"plain": {"content": "before breakfast"}}, "children": {"attached": [{"id": "d", "title": "north shore"}]}},
        {"id": "e", "title": "Read", "labels": ["often"], "href": "https://example.org/"}]}}}]
    zipped("summer.xmind", {"content.json": json.dumps(content), "metadata.json": "{}", "manifest.json": "{\"file-entries\":{}}",
                            "Thumbnails/thumbnail.png": picture}, stored=["Thumbnails/thumbnail.png"])
    old = ("<?xml version='1.0' encoding='UTF-8' standalone='no'?><xmap-content xmlns='urn:xmind:xmap:xmlns:content:2.0' version='2.0'>"
           "<sheet id='s'><topic id='r'><title>Winter &amp; ice</title><children><topics type='attached'>"
           "<topic id='1'><title>Skate</title><notes><plain>when it holds</plain></notes></topic>"
           "<topic id='2'><title>Sleep</title></topic></topics></children></topic><title>Sheet 1</title></sheet></xmap-content>")
    zipped("old.xmind", {"content.xml": old, "META-INF/manifest.xml": "<manifest/>", "Thumbnails/thumbnail.png": picture})
    document = ("<?xml version='1.0' encoding='UTF-8' standalone='no'?><ap:Map xmlns:ap='http://schemas.mindjet.com/MindManager/Application/2003'>"
                "<ap:OneTopic><ap:Topic><ap:SubTopics><ap:Topic><ap:Text PlainText='Boat'/><ap:Task TaskPercentage='100'/></ap:Topic>"
                "<ap:Topic><ap:SubTopics><ap:Topic><ap:Text PlainText='on Sunday'/></ap:Topic></ap:SubTopics><ap:Text PlainText='Fish'/>"
                "<ap:NotesGroup><ap:NotesXhtmlData PreviewPlainText='ask for a licence'/></ap:NotesGroup></ap:Topic></ap:SubTopics>"
                "<ap:Text PlainText='Plans for autumn'/></ap:Topic></ap:OneTopic></ap:Map>")
    zipped("autumn.mmap", {"Document.xml": document, "Preview.png": picture})


def archives():
    files = {"lake/": b"", "lake/map.txt": b"north is up\n", "lake/pictures/pier.jpg": b"x" * 5000, "übersicht.md": b"# Lake\n"}
    zipped("files.zip", files)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in {**files, "long/" + "name/" * 30 + "file": b"deep"}.items():
            info = tarfile.TarInfo(path.rstrip("/"))
            info.type = tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    write("files.tar", stream.getvalue())
    write("files.tar.gz", gzip.compress(stream.getvalue(), 9, mtime=0))
    write("diary.txt.gz", gzip.compress(b"Monday: rain.\nTuesday: more rain.\n", 9, mtime=0))
    write("noise.gz", gzip.compress(bytes(range(256)) * 4, 9, mtime=0))
    for path, content in [("debian-binary", b"2.0\n"), ("control.tar.xz", b"x" * 77), ("data.tar.xz", b"y" * 500)]:
        write(scratch(path), content)
    if os.path.exists("tool.deb"):
        os.remove("tool.deb")
    run("ar", "rcD", "tool.deb", *(scratch(path) for path in ["debian-binary", "control.tar.xz", "data.tar.xz"]))
    zipped("program.jar", {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n", "Main.class": b"\xca\xfe\xba\xbe\0\0\0\x34"})


def mail():
    policy = email.policy.SMTP
    message = email.message.EmailMessage(policy=policy)
    message["From"] = "Ada <ada@example.org>"
    message["To"] = "Reader <reader@example.org>, second@example.org"
    message["Subject"] = "Grüße vom See"
    message["Date"] = "Mon, 15 Jul 2024 09:00:00 +0200"
    message["Message-ID"] = "<1@example.org>"
    message.set_content("Schöne Grüße!\n\nDas Wasser ist 20 °C warm.\n")
    write("plain.eml", message.as_bytes())
    message.add_alternative("<html><body><h1>Schöne Grüße!</h1><p>Das <b>Wasser</b> ist 20&nbsp;°C warm.</p>"
                            "<img src='http://tracker.example/x.gif'><script>alert(1)</script></body></html>", subtype="html")
    message.add_attachment(read("palette.png"), maintype="image", subtype="png", filename="Steg.png")
    for part, boundary in zip([message, message.get_payload()[0]], ["outer", "inner"]):
        part.set_boundary(boundary)
    write("alternative.eml", message.as_bytes())


def others():
    for name in ["lake.sqlite"]:
        if os.path.exists(name):
            os.remove(name)
        run("sqlite3", name, "pragma page_size=512; create table lakes(name, depth); insert into lakes values('north', 30);")
    write("noise.bin", bytes((i * 197 + (i >> 3) * 31) & 255 for i in range(1500)))
    write("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + b"W\0o\0r\0d\0" * 20)
    write("empty.txt", b"")
    # a font without letters: only the table of what it is called
    names = {1: "Lake", 2: "Regular", 4: "Lake Regular", 5: "Version 1.0", 9: "Ada"}
    strings = [name.encode("utf-16-be") for name in names.values()]
    records = b"".join(struct.pack(">6H", 3, 1, 0x409, meaning, len(string), sum(map(len, strings[:at])))
                       for at, (meaning, string) in enumerate(zip(names, strings)))
    table = struct.pack(">3H", 0, len(names), 6 + len(records)) + records + b"".join(strings)
    write("lake.ttf", struct.pack(">I4H", 0x10000, 1, 16, 0, 0) + struct.pack(">4sIII", b"name", 0, 28, len(table)) + table)


for make in [pictures, sound_and_film, documents, pdf, mind_maps, archives, mail, others]:
    print(make.__name__)
    make()
