//! The tags of a template: what they may say, and marks that tell where each line was written.

use std::fmt::Write as _;
use std::sync::Arc;

use super::template::Place;
use super::yaml::YamlError;

/// Characters of one tag. Ours.
const MOST_TAG: usize = 2000;
/// Operators of a template that make text longer: each can double it. Ours: the exercises' have three.
pub(super) const MOST_JOINS: usize = 12;
/// The tags that are known.
const TAGS: [&str; 9] = ["set", "if", "elif", "else", "endif", "for", "endfor", "with", "endwith"];
/// Words that are values.
const LITERALS: [&str; 6] = ["true", "True", "false", "False", "none", "None"];
/// Words behind which a value begins, so that a bracket is none of a call.
const BEFORE_VALUES: [&str; 8] = ["and", "elif", "else", "if", "in", "is", "not", "or"];
/// Stands for the bracket of a call, whose arguments are no list.
const CALL: char = 'c';
/// Begins and ends what stands for a line or an included text in what a template writes. YAML has neither character.
pub(super) const MARK: (char, char) = ('\u{1}', '\u{2}');

/// A template with a mark at the beginning of each line that does not begin within a tag; nothing if the text has no tags.
///
/// # Errors
/// [`YamlError`] if a tag is not one that is carried out here.
pub(super) fn marked(name: &Arc<str>, text: &str) -> Result<Option<String>, YamlError> {
    let at = |line: usize| Place { path: Arc::clone(name), line };
    if !["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
        return Ok(None);
    }
    if let Some(index) = text.lines().position(|line| line.contains([MARK.0, MARK.1])) {
        return Err(at(index + 1).error("a control character, which YAML has none of"));
    }
    let mut marked = String::with_capacity(text.len() + text.len() / 4);
    let (mut rest, mut line, mut n_joins) = (text, 1, 0);
    while !rest.is_empty() {
        let end = rest.find(['\n', '{']).unwrap_or(rest.len());
        marked.push_str(&rest[..end]);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix('\n') {
            line += 1;
            marked.push('\n');
            rest = after;
            // A mark would keep a tag that trims from the blanks beside it.
            let begins = rest.trim_start_matches([' ', '\t']);
            let trims = ["{%-", "{{-", "{#-"].iter().any(|open| begins.starts_with(open));
            if !trims && !rest.is_empty() {
                let _ = write!(marked, "{}l{line}{}", MARK.0, MARK.1);
            }
        } else if !["{{", "{%", "{#"].iter().any(|open| rest.starts_with(open)) {
            // A brace that begins no tag, or the end.
            let (brace, after) = rest.split_at(rest.len().min(1));
            marked.push_str(brace);
            rest = after;
        } else {
            let length =
                tag_length(rest).ok_or_else(|| at(line).error("a tag of a template that does not end"))?;
            let tag = &rest[..length];
            n_joins += check_tag(tag).map_err(|message| at(line).error(message))?;
            if n_joins > MOST_JOINS {
                let message = format!("the template joins texts by `~` and `+` more than {MOST_JOINS} times");
                return Err(at(line).error(message));
            }
            marked.push_str(tag);
            line += tag.matches('\n').count();
            rest = &rest[length..];
            if tag.ends_with("-%}") || tag.ends_with("-}}") || tag.ends_with("-#}") {
                let blanks = rest.len() - rest.trim_start().len();
                marked.push_str(&rest[..blanks]);
                line += rest[..blanks].matches('\n').count();
                rest = &rest[blanks..];
                if blanks > 0 {
                    let _ = write!(marked, "{}l{line}{}", MARK.0, MARK.1);
                }
            }
        }
    }
    Ok(Some(marked))
}

/// Length of the tag at the beginning of `text`; a tag ends outside of its quotes and brackets.
fn tag_length(text: &str) -> Option<usize> {
    let close = match &text[..2] {
        "{#" => return Some(text.find("#}")? + 2),
        "{%" => "%}",
        _ => "}}",
    };
    let (mut quote, mut n_open) = (None, 0_i32);
    let mut letters = text.char_indices().skip(2);
    while let Some((at, letter)) = letters.next() {
        match quote {
            Some(_) if letter == '\\' => {
                letters.next();
            }
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if n_open == 0 && text[at..].starts_with(close) => return Some(at + 2),
            None if "([{".contains(letter) => n_open += 1,
            None if ")]}".contains(letter) => n_open -= 1,
            None => {}
        }
    }
    None
}

/// How often a tag joins texts, or why it is not carried out.
fn check_tag(tag: &str) -> Result<usize, String> {
    if tag.starts_with("{#") {
        return Ok(0);
    }
    if tag.len() > MOST_TAG {
        return Err(format!("a tag of a template has more than {MOST_TAG} characters"));
    }
    let inside = tag[2..tag.len() - 2].trim_matches(['-', '+']).trim();
    let code = without_texts(inside);
    if tag.starts_with("{%") {
        let word = code.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        if !TAGS.contains(&word) {
            return Err(format!("`{word}` is no tag that is read here; known are {}", TAGS.join(", ")));
        }
        if word == "set" && !code.contains('=') {
            return Err("`set` without a value behind `=` is not read here".to_owned());
        }
    }
    if code.contains('*') {
        return Err("`*` is not read within a template: let it stand outside, `{{kib}} * 1024`".to_owned());
    }
    if has_list_of_names(&code) {
        return Err(
            "a list or map of names is not read within a template; those of texts and numbers are".to_owned()
        );
    }
    Ok(code.matches(['~', '+']).count())
}

/// Whether code has lists or maps that may hold each other: a name in one can be another, and a few dozen of them more than can ever be written.
fn has_list_of_names(code: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    // What is open around a place: itself, whether it has names and whether commas. `set` takes several values without brackets.
    let around = if code.starts_with("set") { '(' } else { CALL };
    let mut open = vec![(around, false, false)];
    let (mut rest, mut before) = (code, "");
    while let Some(letter) = rest.chars().next() {
        let length = match rest.find(|letter| !is_word(letter)) {
            Some(0) => letter.len_utf8(),
            length => length.unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(length);
        match letter {
            '(' if before.ends_with(is_word) && !BEFORE_VALUES.contains(&before) => {
                open.push((CALL, false, false));
            }
            '(' | '[' | '{' => open.push((letter, false, false)),
            ')' | ']' | '}' => {
                open.pop();
            }
            ',' => open.last_mut().into_iter().for_each(|(_, _, has_commas)| *has_commas = true),
            _ if is_word(letter) && !letter.is_numeric() && !LITERALS.contains(&part) => {
                open.iter_mut().for_each(|(_, has_names, _)| *has_names = true);
            }
            _ => {}
        }
        let is_list = |&(bracket, has_names, has_commas): &(char, bool, bool)| {
            has_names && (bracket == '[' || bracket == '{' || (bracket == '(' && has_commas))
        };
        if open.iter().any(is_list) {
            return true;
        }
        if !letter.is_whitespace() {
            before = part;
        }
        rest = after;
    }
    false
}

/// Code without what is in quotes.
fn without_texts(code: &str) -> String {
    let mut quote = None;
    let mut escaped = false;
    let keep = |letter: &char| {
        let (letter, before) = (*letter, quote);
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            _ => {}
        }
        before.is_none() && quote.is_none()
    };
    code.chars().filter(keep).collect()
}
