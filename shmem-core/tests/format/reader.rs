//! The page in code: a reader of objects that asks the library for nothing.
//!
//! It reads by system calls and not through a mapping, so it is for objects that nobody writes just then.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// "Read the header once into memory of your own."
pub(crate) struct Object {
    pub(crate) file: File,
    pub(crate) words: [u64; 32],
    pub(crate) schema: String,
    pub(crate) name: String,
}

/// One line of the schema, split into its columns.
struct Part {
    depth: usize,
    kind: String,
    offset: usize,
    size: usize,
    name: String,
    extra: String,
    children: Vec<Part>,
}

fn up(x: u64, n: u64) -> u64 {
    x.div_ceil(n) * n
}

fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Object {
    pub(crate) fn open(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let mut words = [0; 32];
        for (i, word) in words.iter_mut().enumerate() {
            *word = read_word(&file, 8 * i as u64);
        }
        let text = |at: u64, len: u64| {
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            file.read_exact_at(&mut bytes, at).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let (schema, name) = (text(words[12], words[13]), text(words[14], words[15]));
        let object = Object {
            file,
            words,
            schema,
            name,
        };
        object.check();
        object
    }

    fn check(&self) {
        let w = &self.words;
        assert_eq!(&w[0].to_ne_bytes(), b"shmem\x1A\x0A\xA9");
        assert_eq!(w[1], 0x0102_0304_0506_0708);
        assert_eq!(w[2], 1);
        assert!(w[6] < 8 && (1..=1024).contains(&w[8]) && (1..=8).contains(&w[9]));
        assert!(w[11].is_power_of_two() && w[11] <= 4096);

        let (size, align) = (w[10], w[11]);
        let unit = align.max(128);
        let mut name_end = 256 + w[13] + w[15];
        if w[25] != 0 {
            assert_eq!(w[24], up(name_end, 8));
            name_end = w[24] + w[25];
        } else {
            assert_eq!(w[24], 0);
        }
        let waiters = up(name_end, 4096);
        let control = waiters + 4096;
        let rows = control + 512;
        let items = rows + 128 * w[8];
        let lock = if w[27] == 0 { 0 } else { items };
        let buffers = up(items.max(lock + if w[27] == 0 { 0 } else { 128 }), unit);
        let mut stride = up(size.max(1), unit);
        if size >= 4096 && unit < 4096 {
            stride = up(stride, 4096) + up(512, unit);
        }
        assert_eq!([w[12], w[14]], [256, 256 + w[13]]);
        assert_eq!(w[16..=20], [waiters, control, rows, buffers, stride]);
        assert_eq!(w[3], buffers + stride * w[9]);
        assert_eq!(w[3], self.file.metadata().unwrap().len());
        assert_eq!(w[21] == 0, w[22] == 0);
        assert_eq!(w[28], lock);
        assert_eq!([w[26], w[29], w[30]], [0; 3]);
        assert!(w[27] == 0 || w[9] == 1);

        let header = w[..31].iter().flat_map(|word| word.to_ne_bytes());
        assert_eq!(
            w[31],
            fnv1a(header.chain(self.schema.bytes()).chain(self.name.bytes()))
        );
        assert_eq!(w[4], fnv1a(self.schema.bytes()));
    }

    /// A control word, by its place on the page.
    pub(crate) fn control(&self, at: u64) -> u64 {
        read_word(&self.file, self.words[17] + at)
    }

    /// Whether the sum of a buffer fits.
    pub(crate) fn is_whole(&self, buffer: u64) -> bool {
        let mut bytes = vec![0; usize::try_from(self.words[10]).unwrap()];
        let from = self.words[19] + buffer * self.words[20];
        self.file.read_exact_at(&mut bytes, from).unwrap();
        let stamp = self.control(64 + 8 * buffer);
        let sum = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, stamp);
        sum == self.control(384 + 8 * buffer)
    }

    /// A row's word of 4 bytes, likewise.
    pub(crate) fn row(&self, row: u64, at: u64) -> u32 {
        read_u32(&self.file, self.words[18] + 128 * row + at)
    }

    pub(crate) fn waiters(&self) -> u32 {
        read_u32(&self.file, self.words[16])
    }

    /// The page's `load`.
    pub(crate) fn load(&self) -> (u64, Vec<u8>) {
        for _ in 0..10_000 {
            let current = self.control(0);
            let (buffer, seen) = (current & 7, current >> 8);
            assert!(buffer < self.words[9]);
            let mut out = vec![0; usize::try_from(self.words[10]).unwrap()];
            let from = self.words[19] + buffer * self.words[20];
            self.file.read_exact_at(&mut out, from).unwrap();
            if self.control(64 + 8 * buffer) == seen {
                return (seen, out);
            }
        }
        panic!("writers were faster");
    }

    /// The page's list of what was added.
    pub(crate) fn added(&self) -> Vec<String> {
        let mut bytes = vec![0; usize::try_from(self.words[25]).unwrap()];
        self.file.read_exact_at(&mut bytes, self.words[24]).unwrap();
        let mut added = Vec::new();
        let mut rest = bytes.as_slice();
        let word = |bytes: &[u8]| u64::from_ne_bytes(bytes[..8].try_into().unwrap());
        while rest.len() > 16 && word(rest) != 0 {
            let (len, sum) = (usize::try_from(word(rest)).unwrap(), word(&rest[8..]));
            let Some(text) = rest.get(16..16 + len) else {
                break;
            };
            if fnv1a(text.iter().copied()) != sum {
                break;
            }
            added.push(String::from_utf8(text.to_vec()).unwrap());
            rest = &rest[16 + len.next_multiple_of(8)..];
        }
        added
    }

    /// Version and fields of the current value, by the stored schema and nothing else.
    pub(crate) fn print(&self) -> (u64, String) {
        let (version, bytes) = self.load();
        let lines: Vec<_> = self.schema.lines().collect();
        let (part, rest) = Part::parse(&lines);
        assert_eq!((rest.len(), part.depth), (0, 0));
        // A type that may grow has more room than its schema says.
        assert!(part.size == bytes.len() || self.words[25] != 0 && part.size < bytes.len());
        (version, part.print(&bytes))
    }
}

pub(crate) fn read_word(file: &File, at: u64) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at).unwrap();
    u64::from_ne_bytes(bytes)
}

fn read_u32(file: &File, at: u64) -> u32 {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at).unwrap();
    u32::from_ne_bytes(bytes)
}

impl Part {
    fn parse<'a>(lines: &'a [&'a str]) -> (Part, &'a [&'a str]) {
        let (line, mut rest) = lines.split_first().unwrap();
        let [depth, kind, offset, size, name, _type, _version, extra] =
            line.split('\t').collect::<Vec<_>>()[..].try_into().unwrap();
        let mut part = Part {
            depth: depth.parse().unwrap(),
            kind: kind.into(),
            offset: offset.parse().unwrap(),
            size: size.parse().unwrap(),
            name: name.into(),
            extra: extra.into(),
            children: Vec::new(),
        };
        let inside = (part.depth + 1).to_string();
        while rest
            .first()
            .is_some_and(|line| line.split('\t').next() == Some(inside.as_str()))
        {
            let (child, after) = Part::parse(rest);
            part.children.push(child);
            rest = after;
        }
        (part, rest)
    }

    /// `whole` begins where the part around this one begins.
    fn print(&self, whole: &[u8]) -> String {
        let bytes = &whole[self.offset..][..self.size];
        match self.kind.as_str() {
            "uint" => uint(bytes).to_string(),
            "int" => int(bytes).to_string(),
            "float" if self.size == 4 => f32::from_ne_bytes(bytes.try_into().unwrap()).to_string(),
            "float" => f64::from_ne_bytes(bytes.try_into().unwrap()).to_string(),
            "bool" => ["false", "true"][index(uint(bytes))].into(),
            "char" => char::from_u32(u32::try_from(uint(bytes)).unwrap())
                .unwrap()
                .to_string(),
            "nonzero-uint" | "nonzero-int" | "maybe-uint" | "maybe-int" => {
                let signed = self.kind.ends_with("-int");
                match uint(bytes) {
                    0 if self.kind.starts_with("maybe") => "None".into(),
                    0 => panic!("a zero where none may be"),
                    _ if signed => int(bytes).to_string(),
                    value => value.to_string(),
                }
            }
            "enum" => {
                let signed = self.extra.starts_with('i');
                let found = if signed {
                    int(bytes).to_string()
                } else {
                    uint(bytes).to_string()
                };
                let variant = self.children.iter().find(|variant| variant.extra == found);
                variant.unwrap().name.clone()
            }
            "struct" => {
                let fields = self.children.iter();
                let fields: Vec<_> = fields
                    .map(|field| format!("{}: {}", field.name, field.print(bytes)))
                    .collect();
                fields.join(", ")
            }
            "array" => self.items(bytes, self.extra.parse().unwrap()),
            "str" => {
                let len = index(uint(&bytes[..4]));
                let text = &bytes[4..][..len];
                format!("{:?}", core::str::from_utf8(text).unwrap())
            }
            "vec" => {
                let len = index(uint(&bytes[..8]));
                assert!(len <= self.extra.parse().unwrap());
                self.items(bytes, len)
            }
            "option" => match uint(&bytes[..8]) {
                0 => "None".into(),
                1 => format!("Some({})", self.children[0].print(bytes)),
                _ => panic!("a tag that is neither 0 nor 1"),
            },
            kind => panic!("the page has no kind `{kind}`"),
        }
    }

    fn items(&self, bytes: &[u8], len: usize) -> String {
        let item = &self.children[0];
        let mut text = String::new();
        for i in 0..len {
            let comma = if i > 0 { ", " } else { "" };
            write!(text, "{comma}{}", item.print(&bytes[i * item.size..])).unwrap();
        }
        format!("[{text}]")
    }
}

fn uint(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    let at = if cfg!(target_endian = "big") {
        16 - bytes.len()
    } else {
        0
    };
    wide[at..][..bytes.len()].copy_from_slice(bytes);
    u128::from_ne_bytes(wide)
}

fn int(bytes: &[u8]) -> i128 {
    let unused = 128 - 8 * bytes.len();
    i128::from_ne_bytes((uint(bytes) << unused).to_ne_bytes()) >> unused
}

fn index(value: u128) -> usize {
    usize::try_from(value).unwrap()
}

/// The directory of this user's named objects.
pub(crate) fn directory() -> PathBuf {
    let parent = std::env::var_os("SHMEM_DIR").filter(|dir| !dir.is_empty());
    let parent = PathBuf::from(parent.unwrap_or("/dev/shm".into()));
    let uid = fs::metadata("/proc/self").unwrap().uid();
    let ours = |path: &PathBuf| {
        fs::symlink_metadata(path)
            .is_ok_and(|info| info.is_dir() && info.uid() == uid && info.mode() & 0o022 == 0)
    };
    let numbered = (1..=9).map(|k| parent.join(format!("shmem-{uid}-{k}")));
    let first = parent.join(format!("shmem-{uid}"));
    std::iter::once(first).chain(numbered).find(ours).unwrap()
}

/// The name of a named object's file.
pub(crate) fn encode(name: &str) -> String {
    let mut file = String::new();
    for (i, byte) in name.bytes().enumerate() {
        match byte {
            b'-' | b'_' => file.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => file.push(byte.into()),
            b'.' if i > 0 => file.push('.'),
            _ => write!(file, "%{byte:02X}").unwrap(),
        }
    }
    if file.len() > 200 {
        let start = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
        let hash = name.bytes().fold(start, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
        });
        file.truncate(167);
        write!(file, "~{hash:032x}").unwrap();
    }
    file
}
