//! Texts in the place of a schema of eight bytes: most of them none, some unusual ones.

/// What must be refused, and what nobody writes and yet contradicts nothing.
pub struct Texts {
    /// No schemas.
    pub refused: Vec<Vec<u8>>,
    /// Schemas.
    pub odd: Vec<Vec<u8>>,
}

/// All of them.
pub fn texts() -> Texts {
    let line = |depth, kind: &str, offset: &str, size: &str, name: &str, ty: &str, extra: &str| {
        format!("{depth}\t{kind}\t{offset}\t{size}\t{name}\t{ty}\t\t{extra}\n")
    };
    let field = |offset: &str, size: &str, name: &str| line(1, "uint", offset, size, name, "u", "");
    let top = line(0, "struct", "0", "8", "", "S", "");
    let nothing = |offset: &str, name: &str| {
        line(1, "array", offset, "0", name, "", "0") + &line(2, "uint", "0", "1", "", "u8", "")
    };
    let enum_of = |repr: &str, number: &str| {
        line(0, "enum", "0", "8", "", "E", repr) + &line(1, "variant", "0", "8", "A", "", number)
    };
    let versioned = |version: &str| {
        top.replace("\tS\t\t", &format!("\tS\t{version}\t")) + &field("0", "8", "a")
    };
    let max = u64::MAX.to_string();
    let deep = |levels: usize, kind: &str, size: &str, extra: &str| -> String {
        (0..levels)
            .map(|d| line(d, kind, "0", size, "", "", extra))
            .collect()
    };
    let mut texts: Vec<Vec<u8>> = [
        String::new(),
        "\n".into(),
        "u64".into(),
        "\0\0\0\0".into(),
        "0\tuint\t0\t8\t\tu64\t\t".into(),
        "0\tuint\t0\t8\t\tu64\t\t\r\n".into(),
        "0\tuint\t0\t8\t\tu64\t\t\t\n".into(),
        "0\tuint\t0\t8\t\tu64\t\n".into(),
        line(0, "uint", "0", "8", "", "u64", "") + &line(0, "uint", "0", "8", "", "u64", ""),
        line(1, "uint", "0", "8", "", "u64", ""),
        line(0, "uint", "8", "8", "", "u64", ""),
        line(0, "uint", "0", "8", "x", "u64", ""),
        line(0, "uint", "0", "08", "", "u64", ""),
        line(0, "uint", "0", "+8", "", "u64", ""),
        line(0, "uint", "0", "-8", "", "u64", ""),
        line(0, "uint", "0", "8", "", "u\u{1b}[2J64", ""),
        line(0, "uint", "0", "3", "", "u24", ""),
        line(0, "tuint", "0", "8", "", "u64", ""),
        line(0, "int", "0", "3", "", "i24", ""),
        line(0, "nonzero-uint", "0", "3", "", "N", ""),
        line(0, "nonzero-int", "0", "3", "", "N", ""),
        line(0, "maybe-uint", "0", "3", "", "M", ""),
        line(0, "maybe-int", "0", "3", "", "M", ""),
        line(0, "float", "0", "2", "", "f16", ""),
        line(0, "char", "0", "8", "", "char", ""),
        line(0, "bool", "0", "8", "", "bool", ""),
        line(0, "enum", "0", "8", "", "E", "u64"),
        line(0, "enum", "0", "8", "", "E", "u32"),
        line(0, "enum", "0", "8", "", "E", "u64") + &line(1, "variant", "0", "8", "A", "", "-1"),
        // One number has one text, or one layout would have two fingerprints.
        line(0, "enum", "0", "8", "", "E", "i64") + &line(1, "variant", "0", "8", "A", "", "-0"),
        // Numbers that the integer does not have, at each end.
        enum_of("u64", "18446744073709551616"),
        enum_of("i64", "9223372036854775808"),
        enum_of("i64", "-9223372036854775809"),
        enum_of("u64", "+1"),
        enum_of("u64", "01"),
        enum_of("i64", "-01"),
        enum_of("u64", "1").replace("\tA\t", "\t\t"),
        enum_of("u64", "1") + &line(1, "variant", "0", "8", "A", "", "2"),
        enum_of("u64", "1") + &line(1, "variant", "0", "8", "B", "", "1"),
        line(0, "enum", "0", "0", "", "E", "none") + &line(1, "variant", "0", "0", "A", "", "0"),
        versioned("0"),
        versioned("01"),
        versioned("+1"),
        versioned("x"),
        versioned("4294967296"),
        line(0, "array", "0", "8", "", "", &max) + &line(1, "uint", "0", "8", "", "u64", ""),
        line(0, "array", "0", "8", "", "", "1"),
        line(0, "array", "0", "0", "", "", &max) + &line(1, "array", "0", "0", "", "", "0"),
        line(0, "vec", "0", "8", "", "FixedVec", &max) + &line(1, "uint", "8", "8", "", "u64", ""),
        line(0, "str", "0", "8", "", "FixedStr", &max),
        line(0, "option", "0", "8", "", "FixedOption", "")
            + &line(1, "uint", "8", "8", "", "u64", ""),
        top.clone() + &field("0", "8", ""),
        top.clone() + &field("0", "8", "a") + &field("4", "4", "b"),
        top.clone() + &field("0", "8", "a") + &field("8", "1", "b"),
        top.clone() + &field("0", "4", "a") + &field("4", "4", "a"),
        // One that overlaps another, with one of no size in between.
        top.clone() + &field("0", "4", "a") + &nothing("0", "z") + &field("2", "2", "b"),
        top.clone() + &field(&max, "8", "a"),
        top.clone() + &field("0", &max, "a"),
        top.clone() + &field("99999999999999999999999999", "8", "a"),
        deep(65, "struct", "8", ""),
        deep(5000, "array", "8", "1"),
        deep(5000, "option", "8", ""),
    ]
    .map(String::into_bytes)
    .into();
    texts.push(vec![0xFF; 100]);
    texts.push(b"0\tuint\t0\t8\t\tu\xFF\t\t\n".to_vec());
    texts.push(vec![b'\t'; 1 << 20]);
    texts.push(vec![b'\n'; 1 << 20]);
    // As long as a schema may be, and one line more than it may have.
    let empty = line(1, "array", "0", "0", "f", "", "0");
    texts.push((top.clone() + &empty.repeat(65_536)).into_bytes());
    texts.push(vec![b'9'; 16 << 20]);
    // One of no size has no place to take from others.
    let odd = [
        versioned("4294967295"),
        enum_of("u64", "18446744073709551615"),
        enum_of("i64", "9223372036854775807"),
        enum_of("i64", "-9223372036854775808"),
        top.clone() + &field("0", "8", "a") + &nothing("4", "z"),
    ];
    Texts {
        refused: texts,
        odd: odd.map(String::into_bytes).into(),
    }
}
