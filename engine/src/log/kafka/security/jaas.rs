//! `sasl.jaas.config`: one entry as Kafka's clients take it, `CLASS FLAG NAME="VALUE" …;`, or Java's file of such entries.
//!
//! What is wrong with an entry is told without a word of it: whatever stands where it should not may be a password.

use std::iter::Peekable;
use std::str::Chars;

/// An entry.
#[derive(PartialEq, Eq)]
pub(super) struct Entry {
    /// Class of the login module.
    pub(super) module: String,
    /// Its options, in their order.
    pub(super) options: Vec<(String, String)>,
}

const UNQUOTED: &str = "there is a character that must stand in quotes";
const FLAGS: &[&str] = &["required", "requisite", "sufficient", "optional"];

/// Reads an entry.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(text: &str) -> Result<Entry, String> {
    let mut tokens = Tokens(text.chars().peekable());
    let Some(Token::Word(module)) = tokens.next()? else {
        return Err("it begins with no class of a login module".to_owned());
    };
    let entry = tokens.entry(module)?;
    match tokens.next()? {
        None => Ok(entry),
        Some(_) => Err("something stands behind the semicolon; one login module is taken".to_owned()),
    }
}

/// The entry of a program in a file of them, `PROGRAM { CLASS FLAG NAME="VALUE" …; };`.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn of_program(file: &str, program: &str) -> Result<Option<Entry>, String> {
    let mut tokens = Tokens(file.chars().peekable());
    for number in 1.. {
        let name = match tokens.next()? {
            None => return Ok(None),
            Some(Token::Word(name) | Token::Quoted(name)) => name,
            Some(_) => return Err("the name of a program is expected where its entry begins".to_owned()),
        };
        let mut entries = tokens.block().map_err(|problem| format!("entry {number}: {problem}"))?;
        if name == program {
            let first = entries.pop().filter(|_| entries.is_empty());
            return first.map(Some).ok_or_else(|| format!("{program} must have one login module"));
        }
    }
    Ok(None)
}

#[derive(PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Equals,
    End,
    Open,
    Close,
}

struct Tokens<'a>(Peekable<Chars<'a>>);

impl Tokens<'_> {
    /// What stands behind the class of a login module.
    fn entry(&mut self, module: String) -> Result<Entry, String> {
        match self.next()? {
            Some(Token::Word(flag)) if FLAGS.iter().any(|known| known.eq_ignore_ascii_case(&flag)) => {}
            _ => return Err(format!("after the class one of {} is expected", FLAGS.join(", "))),
        }
        let mut options = Vec::new();
        loop {
            let number = options.len() + 1;
            let name = match self.next()? {
                Some(Token::End) => return Ok(Entry { module, options }),
                Some(Token::Word(name)) => name,
                Some(_) => return Err(format!("a name is expected where option {number} begins")),
                None => return Err("it must end with a semicolon".to_owned()),
            };
            let is_assigned = self.next()? == Some(Token::Equals);
            match self.next()? {
                Some(Token::Word(value) | Token::Quoted(value)) if is_assigned => options.push((name, value)),
                _ => return Err(format!("option {number} is not written as NAME=\"VALUE\"")),
            }
        }
    }

    /// What stands behind the name of a program.
    fn block(&mut self) -> Result<Vec<Entry>, String> {
        if self.next()? != Some(Token::Open) {
            return Err("behind the name of a program { is expected".to_owned());
        }
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                Some(Token::Word(module)) => entries.push(self.entry(module)?),
                Some(Token::Close) => break,
                _ => return Err("the class of a login module or } is expected".to_owned()),
            }
        }
        match self.next()? {
            Some(Token::End) => Ok(entries),
            _ => Err("behind } a semicolon is expected".to_owned()),
        }
    }

    fn next(&mut self) -> Result<Option<Token>, String> {
        self.pass_over_space()?;
        match self.0.next() {
            None => Ok(None),
            Some('{') => Ok(Some(Token::Open)),
            Some('}') => Ok(Some(Token::Close)),
            Some('=') => Ok(Some(Token::Equals)),
            Some(';') => Ok(Some(Token::End)),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(|text| Some(Token::Quoted(text))),
            Some(first) if is_of_word(first) => {
                let mut word = String::from(first);
                while let Some(c) = self.0.next_if(|c| is_of_word(*c)) {
                    word.push(c);
                }
                Ok(Some(Token::Word(word)))
            }
            Some(_) => Err(UNQUOTED.to_owned()),
        }
    }

    /// Comments are space.
    fn pass_over_space(&mut self) -> Result<(), String> {
        loop {
            while self.0.next_if(|c| c.is_whitespace()).is_some() {}
            if self.0.next_if_eq(&'/').is_none() {
                return Ok(());
            }
            match self.0.next() {
                Some('/') => while self.0.next_if(|c| !matches!(c, '\n' | '\r')).is_some() {},
                Some('*') => {
                    let mut last = ' ';
                    loop {
                        match self.0.next() {
                            Some('/') if last == '*' => break,
                            Some(c) => last = c,
                            None => return Err("a comment is not closed".to_owned()),
                        }
                    }
                }
                _ => return Err(UNQUOTED.to_owned()),
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let not_ended = || "a quote is not closed on its line".to_owned();
        let mut text = String::new();
        loop {
            match self.0.next() {
                Some(c) if c == quote => return Ok(text),
                Some('\\') => text.push(self.escaped().ok_or_else(not_ended)?),
                None | Some('\n' | '\r') => return Err(not_ended()),
                Some(c) => text.push(c),
            }
        }
    }

    /// As Java reads what stands behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        Some(match self.0.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            first @ '0'..='7' => {
                // \377 is the last of three digits.
                let most = if first <= '3' { 2 } else { 1 };
                let mut code = first.to_digit(8)?;
                for _ in 0..most {
                    let Some(digit) = self.0.next_if(|c| c.is_digit(8)) else { break };
                    code = code * 8 + digit.to_digit(8)?;
                }
                char::from_u32(code)?
            }
            other => other,
        })
    }
}

/// Java takes a word of digits for a number and then for nothing; here it is a word.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$') || ('\u{a0}'..='\u{ff}').contains(&c)
}
