//! Bytes as people's programs write them → UTF-8, and what its beginning says of it.

use super::Format;
use std::io::{BufRead, BufReader, Cursor, Read};

/// A roster's text: all of its beginning is in the buffer.
pub(super) type Text = BufReader<Box<dyn Read>>;

/// UTF-8 from whatever Excel wrote: with a BOM, or UTF-16 with or without one.
pub(super) fn decoded(bytes: Box<dyn Read>) -> std::io::Result<Text> {
    let mut bytes = BufReader::new(bytes);
    let encoding = match bytes.fill_buf()? {
        [0, other, ..] if *other != 0 => Some(encoding_rs::UTF_16BE),
        [other, 0, ..] if *other != 0 => Some(encoding_rs::UTF_16LE),
        _ => None,
    };
    let decoder = encoding_rs_io::DecodeReaderBytesBuilder::new()
        .encoding(encoding)
        .bom_override(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build(bytes);
    // Format and delimiter are told by the beginning, and a reader may give its first bytes singly: the beginning is read
    // in one piece.
    let mut decoder: Box<dyn Read> = Box::new(decoder);
    let mut head = vec![];
    decoder.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok(BufReader::with_capacity(HEAD as usize, Box::new(Cursor::new(head).chain(decoder))))
}

/// Bytes that the beginning of a roster holds.
const HEAD: u64 = 64 << 10;

/// The format of a roster whose name does not tell it.
pub(super) fn by_content(text: &mut Text) -> std::io::Result<Format> {
    let start = text.fill_buf()?;
    Ok(match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Format::Json,
        Some(b'{') => Format::Jsonl,
        _ => Format::Csv,
    })
}

/// Whether nothing but white space is there. Takes none of it: lines are counted from the first.
pub(super) fn is_blank(text: &mut Text) -> std::io::Result<bool> {
    Ok(text.fill_buf()?.iter().all(u8::is_ascii_whitespace))
}

/// What a file is that is no text, by how it begins.
pub(super) fn no_text(text: &mut Text) -> std::io::Result<Option<&'static str>> {
    let start = text.fill_buf()?;
    Ok(match start {
        [b'P', b'K', 3, 4, ..] => Some("it is an Excel workbook, or another zip file"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("it is an old Excel workbook (.xls)"),
        [0x1f, 0x8b, ..] => Some("it is compressed"),
        start if start.contains(&0) => Some("it holds bytes that no text has"),
        _ => None,
    })
}
