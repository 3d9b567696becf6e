//! Pictures made of pixels: what the camera wrote beside them, and a thumbnail the right way up.
//!
//! The thumbnail that a camera puts into a file is taken if it has the shape of the picture, since it costs nothing;
//! otherwise the picture is unpacked, if its size is within bounds. HEIC is not unpacked at all.

use super::ifd;
use super::kind::{Form, Type};
use super::limits::Limits;
use super::model::{Body, Draft, Picture};
use super::safe::{self, Bounded};
use super::source::Source;
use exif::{Exif, In, Tag, Value};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use std::io::Cursor;

/// Bytes of memory for one unpacked picture, and for what its format needs to unpack it.
const UNPACKED_LEN: u64 = 96 * 1024 * 1024;
/// Passes over a JPEG of the largest size; a smaller one may have more, within reason.
const PASSES: u64 = 12;
const MAX_PASSES: usize = 1000;
/// Quality of thumbnails, of 100.
const QUALITY: u8 = 75;
/// The longer side of a picture in a file's head that is worth showing, in pixels.
const SMALLEST: f64 = 100.0;
/// Darker than this is black, of 255; packing makes black grey.
const BLACK: u8 = 40;
/// Bytes in which the metadata of a file is looked for.
const METADATA_LEN: usize = 4 * 1024 * 1024;

pub(super) fn preview(source: &Source<'_>, found: &Type, limits: &Limits) -> Option<Draft> {
    let mut draft = Draft { body: Some(Body::Original), ..Draft::default() };
    let exif = metadata(source.bytes, found);
    let size = match found.form {
        Form::Heif => heif_size(source.bytes),
        _ => reader(source.bytes).and_then(|reader| reader.into_dimensions().ok()),
    };
    let turned = exif.as_ref().map_or(Orientation::NoTransforms, orientation);
    if let Some((width, height)) = size {
        let on_its_side = found.form != Form::Heif && is_on_its_side(turned);
        let (width, height) = if on_its_side { (height, width) } else { (width, height) };
        draft.fact("size", format!("{width} × {height}"));
    }
    if let Some(exif) = &exif {
        facts(exif, &mut draft, limits);
    }
    let embedded = exif.as_ref().and_then(embedded).and_then(|jpeg| unpack(jpeg, limits));
    let picture = if found.form == Form::Heif {
        embedded
    } else {
        embedded.and_then(|small| of_shape(small, size)).or_else(|| unpack(source.bytes, limits))
    };
    draft.thumbnail = picture.and_then(|picture| finish(picture, turned, limits));
    draft.partial |= draft.thumbnail.is_none();
    Some(draft)
}

/// A thumbnail of a picture inside something else, such as the cover of a book.
pub(super) fn thumbnail(bytes: &[u8], limits: &Limits) -> Option<Picture> {
    finish(unpack(bytes, limits)?, Orientation::NoTransforms, limits)
}

fn reader(bytes: &[u8]) -> Option<ImageReader<Cursor<&[u8]>>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let known = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Ico,
    ];
    let format = reader.format()?;
    known.contains(&format).then_some(())?;
    (format != ImageFormat::Tiff || ifd::is_bounded(bytes)).then_some(())?;
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(UNPACKED_LEN);
    reader.limits(bounds);
    Some(reader)
}

fn unpack(bytes: &[u8], limits: &Limits) -> Option<DynamicImage> {
    let decoder = reader(bytes)?.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > limits.pixels || decoder.total_bytes() > UNPACKED_LEN {
        return None;
    }
    // a JPEG may come in any number of passes over the whole picture, each of them a few bytes
    let passes = bytes.windows(2).filter(|window| window == b"\xff\xda").take(MAX_PASSES).count() as u64;
    if bytes.starts_with(b"\xff\xd8") && passes * pixels > limits.pixels * PASSES {
        return None;
    }
    DynamicImage::from_decoder(decoder).ok()
}

/// Scales, turns, and packs; what is transparent becomes white.
fn finish(picture: DynamicImage, turned: Orientation, limits: &Limits) -> Option<Picture> {
    let side = limits.thumbnail_side;
    let mut small =
        if picture.width().max(picture.height()) > side { picture.thumbnail(side, side) } else { picture };
    small.apply_orientation(turned);
    let pixels = on_white(&small);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&pixels).ok()?;
    Some(Picture { mime: "image/jpeg", width: pixels.width(), height: pixels.height(), bytes })
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    let pixels = picture.to_rgba8();
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u16::from);
        let over = |colour: u16| ((colour * alpha + 255 * (255 - alpha)) / 255) as u8;
        image::Rgb([over(red), over(green), over(blue)])
    })
}

/// The picture in the file's head, if it is no other one and not tiny. Cameras frame it in black where its shape is
/// another; the frame goes.
fn of_shape(small: DynamicImage, size: Option<(u32, u32)>) -> Option<DynamicImage> {
    let (width, height) = (f64::from(small.width()), f64::from(small.height()));
    let Some((full_width, full_height)) = size else { return Some(small) };
    let shape = f64::from(full_width) / f64::from(full_height);
    let (inner_width, inner_height) = (width.min(height * shape), height.min(width / shape));
    if inner_width.max(inner_height) < SMALLEST {
        return None;
    }
    if inner_width > width * 0.97 && inner_height > height * 0.97 {
        return Some(small);
    }
    let (left, top) = (((width - inner_width) / 2.0).ceil(), ((height - inner_height) / 2.0).ceil());
    let (left, top) = (left as u32, top as u32);
    let (right, bottom) = (small.width() - left, small.height() - top);
    let frame = small.to_luma8();
    // where it meets the picture, packing has blurred it
    let mut outside = frame
        .enumerate_pixels()
        .filter(|(x, y, _)| x + 2 < left || *x >= right + 2 || y + 2 < top || *y >= bottom + 2);
    let is_black = outside.all(|(.., grey)| grey.0[0] < BLACK);
    is_black.then(|| small.crop_imm(left, top, right.saturating_sub(left), bottom.saturating_sub(top)))
}

fn is_on_its_side(turned: Orientation) -> bool {
    use Orientation as O;
    matches!(turned, O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH)
}

fn metadata(bytes: &[u8], found: &Type) -> Option<Exif> {
    // TIFF is nothing but metadata, and copied whole by whoever reads it
    let is_tiff = found.mime == "image/tiff";
    if is_tiff && (bytes.len() > METADATA_LEN * 8 || !ifd::is_bounded(bytes)) {
        return None;
    }
    let bytes = if is_tiff { bytes } else { &bytes[..bytes.len().min(METADATA_LEN)] };
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    reader
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|error| error.distill_partial_result(|_| {}))
        .ok()
        // values are read when they are asked for
        .filter(|exif| ifd::is_bounded(exif.buf()))
}

fn orientation(exif: &Exif) -> Orientation {
    exif.get_field(Tag::Orientation, In::PRIMARY)
        .and_then(|field| u8::try_from(field.value.get_uint(0)?).ok())
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms)
}

/// The JPEG in the second directory of Exif.
fn embedded(exif: &Exif) -> Option<&[u8]> {
    let number = |tag| exif.get_field(tag, In::THUMBNAIL)?.value.get_uint(0).map(|number| number as usize);
    let start = number(Tag::JPEGInterchangeFormat)?;
    let len = number(Tag::JPEGInterchangeFormatLength)?;
    exif.buf().get(start..start.checked_add(len)?)
}

fn facts(exif: &Exif, draft: &mut Draft, limits: &Limits) {
    let words = |tag| {
        let field = exif.get_field(tag, In::PRIMARY)?;
        match &field.value {
            Value::Ascii(lines) => {
                let line =
                    lines.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(" ");
                let is_empty = safe::line(&line).is_empty();
                (!is_empty).then(|| line.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            _ => None,
        }
    };
    // cameras put their own name there, or nothing but blanks
    draft.title = words(Tag::ImageDescription);
    let mut text = Bounded::new(limits.text_len);
    text.line(draft.title.as_deref().unwrap_or_default());
    let (text, full) = text.end();
    draft.text = text.trim_end().to_owned();
    draft.partial |= full;
    let taken = words(Tag::DateTimeOriginal).or_else(|| words(Tag::DateTime)).unwrap_or_default();
    draft.fact("taken", with_dashes(taken));
    let (make, model) = (words(Tag::Make).unwrap_or_default(), words(Tag::Model).unwrap_or_default());
    draft.fact("camera", if model.starts_with(&make) { model } else { format!("{make} {model}") });
    draft.fact("author", words(Tag::Artist).unwrap_or_default());
    draft.fact("rights", words(Tag::Copyright).unwrap_or_default());
    if let (Some(latitude), Some(longitude)) = (
        degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S'),
        degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W'),
    ) {
        draft.fact("place", format!("{latitude:.5}, {longitude:.5}"));
    }
}

/// Exif has colons in dates as it has in times.
fn with_dashes(taken: String) -> String {
    match taken.split_once(' ') {
        Some((date, time)) => format!("{} {time}", date.replace(':', "-")),
        None => taken,
    }
}

/// Degrees, minutes and seconds as one number, negative in the half that `negative` names.
fn degrees(exif: &Exif, tag: Tag, half: Tag, negative: u8) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let value =
        parts.iter().take(3).zip([1.0, 60.0, 3600.0]).map(|(part, by)| part.to_f64() / by).sum::<f64>();
    let is_negative = match &exif.get_field(half, In::PRIMARY)?.value {
        Value::Ascii(lines) => lines.first().is_some_and(|line| line.first() == Some(&negative)),
        _ => return None,
    };
    value.is_finite().then_some(if is_negative { -value } else { value })
}

/// The largest image that a HEIF file describes: the boxes `ispe` hold four bytes of version, width and height.
fn heif_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = &bytes[..bytes.len().min(64 * 1024)];
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let boxes = head.windows(4).enumerate().filter(|(_, window)| *window == b"ispe");
    boxes
        .filter_map(|(at, _)| Some((number(at + 8)?, number(at + 12)?)))
        .max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}
