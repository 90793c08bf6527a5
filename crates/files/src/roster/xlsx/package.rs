//! What a workbook unpacks to and claims to hold, counted before it is read.
//!
//! A workbook is a zip file of XML. What its directory says of sizes may be a lie, and so may the counts in its parts, which
//! readers reserve memory by: real bytes are counted, and a claim that cannot be true is refused.

use quick_xml::Reader as Xml;
use quick_xml::events::Event;
use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use zip::ZipArchive;

/// What parts may unpack to, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// All together. 1,048,576 rows with twenty columns are about half of it.
    pub(super) all: u64,
    /// The texts of all cells, which are held in memory while the sheet is read.
    pub(super) texts: u64,
    /// Styles, and whatever else is neither a sheet nor its texts.
    pub(super) other: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { all: 2 << 30, texts: 400 << 20, other: 32 << 20 }
    }
}

/// Styles that a workbook may have: Excel takes 65,490 formats of cells.
const MOST_STYLES: u64 = 400_000;

/// What was seen while counting.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Package {
    /// Whether any sheet has formulas.
    pub(super) formulas: bool,
    /// Whether any sheet has merged cells.
    pub(super) merges: bool,
    /// The styles of cells whose text was typed with an apostrophe before it: a text, whatever it looks like.
    pub(super) quoted: HashSet<usize>,
}

/// Merged areas that a workbook may have: they are held in memory.
const MOST_MERGES: u64 = 100_000;

/// Unpacks every part that a reader of sheets reads, and keeps nothing of it.
pub(super) fn examine(packed: &[u8], bounds: Bounds) -> Result<Package, String> {
    let mut archive = ZipArchive::new(Cursor::new(packed)).map_err(|error| error.to_string())?;
    let mut package = Package::default();
    let mut left = bounds.all;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| error.to_string())?;
        let name = entry.name().map_err(|error| error.to_string())?.to_ascii_lowercase();
        if !name.ends_with(".xml") && !name.ends_with(".rels") {
            // Pictures, macros, printers' settings: no reader of cells unpacks them.
            continue;
        }
        let part = match name.rsplit('/').next() {
            Some("sharedstrings.xml") => Part::Texts,
            Some("styles.xml") => Part::Styles,
            _ if name.contains("worksheets/") && name.ends_with(".xml") => Part::Sheet,
            _ => Part::Other,
        };
        let most = match part {
            Part::Texts => bounds.texts,
            Part::Sheet => bounds.all,
            Part::Styles | Part::Other => bounds.other,
        };
        let mut counted = Counted { inner: entry, left: most.min(left), over: false };
        let seen = part.read(&mut BufReader::with_capacity(64 << 10, &mut counted));
        if counted.over {
            return Err(format!("its part {name} unpacks to more than {} MB", most.min(bounds.all) >> 20));
        }
        let seen = seen?;
        package.formulas |= seen.formulas;
        package.merges |= seen.merges;
        package.quoted.extend(seen.quoted);
        left -= most.min(left) - counted.left;
    }
    Ok(package)
}

/// Ends where more comes than may.
struct Counted<R> {
    inner: R,
    left: u64,
    over: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)? as u64;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => self.over = true,
        }
        if self.over { Err(io::Error::other("too large")) } else { Ok(read as usize) }
    }
}

enum Part {
    Sheet,
    Texts,
    Styles,
    Other,
}

impl Part {
    /// Reads the part to its end; tells what is in it.
    fn read(&self, part: &mut impl BufRead) -> Result<Package, String> {
        match self {
            Self::Sheet => return sheet(part),
            Self::Styles => return styles(part),
            Self::Texts => texts(part)?,
            Self::Other => io::copy(part, &mut io::sink()).map(drop).map_err(|error| error.to_string())?,
        }
        Ok(Package::default())
    }
}

/// Whether elements `f` and `mergeCell` begin anywhere; one too many costs only a second look.
fn sheet(part: &mut impl BufRead) -> Result<Package, String> {
    let (mut formulas, mut merges) = (false, 0);
    let mut before = [0u8; 2];
    loop {
        let chunk = part.fill_buf().map_err(|error| error.to_string())?;
        if chunk.is_empty() {
            return Ok(Package { formulas, merges: merges > 0, ..Package::default() });
        }
        let edge: Vec<u8> = before.iter().chain(chunk.iter().take(2)).copied().collect();
        for window in edge.windows(3).chain(chunk.windows(3)) {
            match window {
                [b'<' | b':', b'f', b'>' | b' ' | b'/'] => formulas = true,
                [b'<' | b':', b'm', b'e'] => merges += 1,
                _ => {}
            }
        }
        if merges > MOST_MERGES {
            return Err(format!("it has more than {MOST_MERGES} merged areas"));
        }
        match chunk {
            [.., one, two] => before = [*one, *two],
            [one] => before = [before[1], *one],
            [] => {}
        }
        let read = chunk.len();
        part.consume(read);
    }
}

/// The list of texts says how many there are; each takes five bytes at least.
fn texts(part: &mut impl BufRead) -> Result<(), String> {
    let mut claimed = None;
    let mut read = 0;
    {
        let mut xml = Xml::from_reader(&mut *part);
        let mut buffer = vec![];
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
                Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "sst" => {
                    let count = element.try_get_attribute("uniqueCount").map_err(|error| error.to_string())?;
                    claimed = count.and_then(|count| count.value.trim().parse::<u64>().ok());
                    break;
                }
                Event::Eof => break,
                _ => {}
            }
        }
        read += xml.buffer_position();
    }
    read += io::copy(part, &mut io::sink()).map_err(|error| error.to_string())?;
    match claimed {
        Some(claimed) if claimed > read / 5 => Err(format!("it says that it holds {claimed} texts, and does not")),
        _ => Ok(()),
    }
}

/// Counts styles, and tells which of the cells' have an apostrophe (`quotePrefix`, ECMA-376 part 1, 18.8.45).
fn styles(part: &mut impl BufRead) -> Result<Package, String> {
    let mut xml = Xml::from_reader(part);
    xml.config_mut().check_end_names = false;
    let (mut buffer, mut styles) = (vec![], 0);
    // The number of the cells' next style, while their list is read.
    let mut cells = None;
    let mut quoted = HashSet::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| error.to_string())? {
            Event::Start(element) if element.local_name().as_ref() == "cellXfs" => cells = Some(0),
            Event::End(element) if element.local_name().as_ref() == "cellXfs" => cells = None,
            Event::Start(element) | Event::Empty(element)
                if matches!(element.local_name().as_ref(), "xf" | "font" | "fill" | "border" | "numFmt" | "dxf") =>
            {
                styles += 1;
                if styles > MOST_STYLES {
                    return Err(format!("it has more than {MOST_STYLES} styles"));
                }
                if let Some(number) = cells.as_mut().filter(|_| element.local_name().as_ref() == "xf") {
                    let prefix = element.try_get_attribute("quotePrefix").map_err(|error| error.to_string())?;
                    if prefix.is_some_and(|prefix| matches!(prefix.value.trim(), "1" | "true")) {
                        quoted.insert(*number);
                    }
                    *number += 1;
                }
            }
            Event::Eof => return Ok(Package { quoted, ..Package::default() }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn packed(parts: &[(&str, Vec<u8>)], large: bool) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(vec![]));
        for (name, bytes) in parts {
            writer.start_file(*name, SimpleFileOptions::default().large_file(large)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn small() -> Bounds {
        Bounds { all: 1 << 20, texts: 1 << 18, other: 1 << 16 }
    }

    #[test]
    fn real_bytes_are_counted_part_by_part() {
        let zeros = |size: usize| vec![b' '; size];
        let sheet = "xl/worksheets/sheet1.xml";
        for (parts, fits) in [
            (vec![(sheet, zeros(1 << 20))], true),
            (vec![(sheet, zeros((1 << 20) + 1))], false),
            (vec![(sheet, zeros(1 << 19)), ("xl/worksheets/sheet2.xml", zeros((1 << 19) + 1))], false),
            (vec![("xl/SharedStrings.xml", zeros((1 << 18) + 1))], false),
            (vec![("xl/workbook.xml", zeros((1 << 16) + 1))], false),
            (vec![("xl/media/image1.png", zeros(4 << 20))], true),
        ] {
            assert_eq!(examine(&packed(&parts, false), small()).is_ok(), fits, "{:?}", parts[0].0);
            assert_eq!(examine(&packed(&parts, true), small()).is_ok(), fits, "zip64: {:?}", parts[0].0);
        }
    }

    #[test]
    fn what_a_directory_says_is_not_believed() {
        let mut bytes = packed(&[("xl/worksheets/sheet1.xml", vec![b' '; 2 << 20])], false);
        // The sizes of the local header and of the directory's entry: PKWARE APPNOTE, 4.3.7 and 4.3.12.
        let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[22..26].copy_from_slice(&9u32.to_le_bytes());
        bytes[entry + 24..entry + 28].copy_from_slice(&9u32.to_le_bytes());
        assert!(examine(&bytes, small()).is_err());
        let mut honest = packed(&[("xl/worksheets/sheet1.xml", b"<a/>".to_vec())], false);
        let entry = honest.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        honest.splice(entry..entry, *b"PK\x01\x02");
        assert!(examine(&packed(&[("x.xml", b"PK\x01\x02\xff\xff\xff\xff\xff".repeat(9))], false), small()).is_ok());
    }

    #[test]
    fn a_count_that_cannot_be_true_is_refused() {
        let strings = |attributes: &str| {
            let text = format!("<!-- <sst> --><sst {attributes}><si><t>a</t></si></sst>");
            examine(&packed(&[("xl/sharedStrings.xml", text.into_bytes())], false), small())
        };
        assert!(strings("count=\"1\" uniqueCount=\"1\"").is_ok() && strings("").is_ok());
        for lie in ["4294967296", "9223372036854775808", "100"] {
            assert!(strings(&format!("uniqueCount = '{lie}'")).is_err(), "{lie}");
        }
        let styles = "<xf/>".repeat(MOST_STYLES as usize + 1);
        let bounds = Bounds { other: 1 << 30, ..Bounds::default() };
        assert!(examine(&packed(&[("xl/styles.xml", styles.into_bytes())], false), bounds).is_err());
    }

    #[test]
    fn formulas_are_seen_wherever_a_chunk_ends() {
        for at in [0, 1, (64 << 10) - 2, (64 << 10) - 1, 64 << 10] {
            let text = [vec![b' '; at], b"<f>".to_vec()].concat();
            let sheet = [("xl/worksheets/sheet1.xml", text)];
            assert!(examine(&packed(&sheet, false), small()).unwrap().formulas, "{at}");
        }
        let merged = [("xl/worksheets/sheet1.xml", b"<mergeCell ref='A1:A2'/>".to_vec())];
        assert!(examine(&packed(&merged, false), small()).unwrap().merges);
        let none = [("xl/worksheets/sheet1.xml", b"<formula><font/>".to_vec())];
        assert!(!examine(&packed(&none, false), small()).unwrap().formulas);
    }
}
