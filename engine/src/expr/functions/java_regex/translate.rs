//! From Java's way of writing patterns to that of the crates.

use std::iter::Peekable;
use std::str::Chars;

pub(super) struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    /// How many classes are open.
    depth: usize,
    /// `.` means every character.
    dot_all: bool,
    /// The last thing was a quantifier.
    quantified: bool,
    /// A quantifier of numbers has begun.
    counting: bool,
    /// Groups with a number so far.
    groups: u32,
    /// It is for a program that tries.
    tries: bool,
    /// It can be searched for by trying only.
    must_try: bool,
}

impl<'a> Translator<'a> {
    /// For a program that tries, or for one that does not.
    pub(super) fn new(pattern: &'a str, tries: bool) -> Self {
        // A flag group with an s: `(?s)`, `(?is:`.
        let dot_all = pattern
            .split("(?")
            .skip(1)
            .any(|group| group.chars().take_while(char::is_ascii_alphabetic).any(|flag| flag == 's'));
        let out = String::with_capacity(pattern.len() + 16);
        let rest = pattern.chars().peekable();
        Self { rest, out, depth: 0, dot_all, quantified: false, counting: false, groups: 0, tries, must_try: false }
    }

    /// The pattern as the crates write it; `None`: it is for a program that does not try, and cannot be.
    pub(super) fn translate(mut self) -> Result<Option<String>, String> {
        while let Some(c) = self.rest.next() {
            if self.depth > 0 {
                self.in_class(c)?;
            } else {
                self.outside(c)?;
            }
        }
        Ok(Some(self.out).filter(|_| self.tries || !self.must_try))
    }

    fn outside(&mut self, c: char) -> Result<(), String> {
        let quantifier = matches!(c, '*' | '+' | '?') || (c == '}' && self.counting);
        self.counting = c == '{' || (self.counting && c != '}');
        // `a*+` gives nothing back.
        self.must_try |= c == '+' && self.quantified;
        // `a+?` is one quantifier; what follows it is none of its.
        self.quantified = quantifier && !(c == '?' && self.quantified);
        match c {
            '\\' => self.escape()?,
            '[' => self.open_class(),
            '.' if !self.dot_all => self.out.push_str("[^\\n\\r\\u{85}\\u{2028}\\u{2029}]"),
            '(' => self.open_group()?,
            c => self.out.push(c),
        }
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), String> {
        self.out.push('(');
        // `(?` is no quantifier.
        if self.rest.next_if_eq(&'?').is_none() {
            self.groups += 1;
            return Ok(());
        }
        self.out.push('?');
        let mut rest = self.rest.clone();
        match (rest.next(), rest.next()) {
            (Some('=' | '!' | '>'), _) | (Some('<'), Some('=' | '!')) => self.must_try = true,
            (Some('<'), _) => self.groups += 1,
            // What the crates have beyond Java, or mean another thing by, is none of ours.
            _ => {
                let other = self.rest.clone().find(|c| !"imsux-".contains(*c));
                match other {
                    Some(':' | ')') => {}
                    Some(c) => return Err(format!("'(?' with '{c}' is not supported")),
                    None => return Err("a group is not closed".to_owned()),
                }
            }
        }
        Ok(())
    }

    /// A back-reference: Java takes more digits as long as there is such a group.
    fn back_reference(&mut self, first: char) {
        self.must_try = true;
        let mut number = first.to_digit(10).unwrap_or_default();
        while let Some(longer) = self.rest.peek().and_then(|c| c.to_digit(10)).map(|digit| number * 10 + digit)
            && longer <= self.groups
        {
            number = longer;
            self.rest.next();
        }
        self.out.push_str(&format!("(?:\\{number})"));
    }

    fn open_class(&mut self) {
        self.depth += 1;
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        // A bracket that stands first is itself.
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str("\\]");
        }
    }

    fn in_class(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape()?,
            '[' => self.open_class(),
            ']' => {
                self.depth -= 1;
                self.out.push(']');
            }
            // Only `&&` is an operator in Java.
            '-' | '~' if self.rest.peek() == Some(&c) => {
                self.out.push('\\');
                self.out.push(c);
            }
            c => self.out.push(c),
        }
        Ok(())
    }

    /// Characters of a class, which may stand inside another.
    fn class(&mut self, members: &str, negated: bool) {
        match (self.depth > 0, negated) {
            (true, false) => self.out.push_str(members),
            (_, true) => self.out.push_str(&format!("[^{members}]")),
            (false, false) => self.out.push_str(&format!("[{members}]")),
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        const HORIZONTAL: &str = " \\t\\u{a0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}";
        let Some(c) = self.rest.next() else { return Err("nothing follows the last backslash".to_owned()) };
        match c {
            'd' | 'D' => self.class("0-9", c == 'D'),
            'w' | 'W' => self.class("a-zA-Z0-9_", c == 'W'),
            's' | 'S' => self.class(" \\t\\n\\x0b\\f\\r", c == 'S'),
            'h' | 'H' => self.class(HORIZONTAL, c == 'H'),
            'v' | 'V' => self.class("\\n\\x0b\\f\\r\\u{85}\\u{2028}\\u{2029}", c == 'V'),
            'p' | 'P' => self.property(c == 'P'),
            'b' if self.depth == 0 && !self.tries => self.out.push_str("(?-u:\\b)"),
            'b' if self.depth == 0 => {
                self.out.push_str("(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))")
            }
            'B' if self.depth == 0 => {
                self.must_try = true;
                self.out.push_str("(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))");
            }
            'R' => self.out.push_str("(?:\\r\\n|[\\n\\x0b\\f\\r\\u{85}\\u{2028}\\u{2029}])"),
            'Z' => self.out.push_str("\\n?\\z"),
            'e' => self.out.push_str("\\x1b"),
            'Q' => self.quote(),
            '0' => {
                let mut code = 0;
                while let Some(digit) =
                    self.rest.peek().and_then(|c| c.to_digit(8)).filter(|digit| code * 8 + digit <= 0o377)
                {
                    code = code * 8 + digit;
                    self.rest.next();
                }
                self.out.push_str(&format!("\\x{{{code:x}}}"));
            }
            'A' | 'z' | 'n' | 't' | 'r' | 'f' | 'a' | 'x' | 'u' => {
                self.out.push('\\');
                self.out.push(c);
                if c == 'x' && self.rest.peek() == Some(&'{') {
                    let code: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                    self.out.push_str(&code);
                    self.out.push('}');
                }
            }
            '1'..='9' if self.depth == 0 => self.back_reference(c),
            'k' if self.depth == 0 => {
                self.must_try = true;
                self.out.push_str("\\k");
            }
            c if c.is_ascii_alphabetic() => return Err(format!("Illegal/unsupported escape sequence \\{c}")),
            c => self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    /// `\Q…\E`
    fn quote(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// `\p{Alpha}`, `\pL`; those of POSIX are ASCII, the others Unicode's.
    fn property(&mut self, negated: bool) {
        let name: String = match self.rest.next_if_eq(&'{') {
            Some(_) => self.rest.by_ref().take_while(|c| *c != '}').collect(),
            None => self.rest.next().map(String::from).unwrap_or_default(),
        };
        let members = match name.as_str() {
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "Alpha" => "a-zA-Z",
            "Digit" => "0-9",
            "Alnum" => "a-zA-Z0-9",
            "XDigit" => "0-9a-fA-F",
            "ASCII" => "\\x00-\\x7f",
            "Cntrl" => "\\x00-\\x1f\\x7f",
            "Graph" => "!-~",
            "Print" => " -~",
            "Blank" => " \\t",
            "Space" => " \\t\\n\\x0b\\f\\r",
            "Punct" => "!-/:-@\\[-`{-~",
            _ => {
                let name = name.strip_prefix("Is").or_else(|| name.strip_prefix("java")).unwrap_or(&name);
                self.out.push_str(&format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' }));
                return;
            }
        };
        self.class(members, negated);
    }
}
