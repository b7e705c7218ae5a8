//! Texts that are put together in constants, for what the compiler is to say.

use crate::schema::{Field, Kind, Schema};

/// A text that can be put together in a constant. What does not fit is cut off.
pub(crate) struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Text {
            bytes: [0; 512],
            len: 0,
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.len < self.bytes.len() {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    pub(crate) const fn str(&mut self, text: &str) {
        let bytes = text.as_bytes();
        // A name is cut only where a character ends, so that the whole stays UTF-8.
        if self.len + bytes.len() > self.bytes.len() {
            self.byte(b'?');
            return;
        }
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    pub(crate) const fn quoted(&mut self, name: &str) {
        self.byte(b'`');
        self.str(name);
        self.byte(b'`');
    }

    pub(crate) const fn number(&mut self, value: usize) {
        self.digits(value as u64, 10);
    }

    pub(crate) const fn value(&mut self, value: u64, hex: bool) {
        if hex {
            self.str("0x");
            let mut leading = 60;
            while leading > 0 && value >> leading == 0 {
                self.byte(b'0');
                leading -= 4;
            }
            self.digits(value, 16);
        } else {
            self.digits(value, 10);
        }
    }

    const fn digits(&mut self, value: u64, base: u64) {
        if value >= base {
            self.digits(value / base, base);
        }
        self.byte(b"0123456789abcdef"[(value % base).to_le_bytes()[0] as usize]);
    }

    /// `_pad: `, `_pad3: ` if there is a `_pad` already, nothing in a tuple struct.
    pub(crate) const fn pad_name(&mut self, fields: &[Field], i: usize) {
        let mut taken = false;
        let mut k = 0;
        while k < fields.len() {
            let name = fields[k].name.as_bytes();
            if name[0].is_ascii_digit() {
                return;
            }
            taken = taken || matches!(name, b"_pad");
            k += 1;
        }
        self.str("_pad");
        if taken {
            self.number(i);
        }
        self.str(": ");
    }

    /// The type as Rust writes it: `[Level; 8]`, `FixedStr<32>`.
    pub(crate) const fn type_text(&mut self, schema: &Schema) {
        match schema.kind {
            Kind::Array { item, len } => {
                self.str("[");
                self.type_text(item);
                self.str("; ");
                self.number(len);
                self.str("]");
            }
            Kind::Str { capacity } => {
                self.str(schema.name);
                self.str("<");
                self.number(capacity);
                self.str(">");
            }
            Kind::Vec { item, capacity } => {
                self.str(schema.name);
                self.str("<");
                self.type_text(item);
                self.str(", ");
                self.number(capacity);
                self.str(">");
            }
            Kind::Option { item } => {
                self.str(schema.name);
                self.str("<");
                self.type_text(item);
                self.str(">");
            }
            _ => self.str(schema.name),
        }
    }

    pub(crate) const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "this layout cannot be shared",
        }
    }
}
