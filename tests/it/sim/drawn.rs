//! What a payload shows, read as people read it: from its text and blocks, not from the post that
//! it was drawn from.

use serde_json::Value;

use super::history::PostForm;
use super::load::finding_number;

/// Emoji, word and colour of each level, by its rank.
const LEVELS: [(&str, &str, &str); 5] = [
    ("⚪", "INFORMATIONAL", "#9AA0A6"),
    ("🔵", "LOW", "#3B82C4"),
    ("🟡", "MEDIUM", "#F2C744"),
    ("🟠", "HIGH", "#E8710A"),
    ("🚨", "CRITICAL", "#D0021B"),
];
/// Between the parts of a line.
const DOT: &str = " · ";

/// All that a payload shows of its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Drawn {
    /// How many alerts it has of each level: as its text says, and as its first block says.
    pub tallies: Vec<[usize; 5]>,
    /// Where the findings of several alerts are, in the same places.
    pub places: Vec<String>,
    pub parts: Vec<Part>,
    pub mentions: bool,
}

/// A card, a line of a digest, or the text about the only alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Part {
    pub level: u8,
    /// A line of several alerts has their number, and what they have in common as a title.
    pub several: Option<usize>,
    pub title: String,
    /// Each with the number of its alerts, if that is said.
    pub accounts: Vec<(String, Option<usize>)>,
    /// How many accounts more there are.
    pub more_accounts: usize,
    pub region: Option<String>,
    /// How often the finding was seen, on a card; 0 if it does not say.
    pub seen: Option<u32>,
    /// None in the text about the only alert.
    pub findings: Vec<u32>,
}

/// Reads a payload. The error says what can't be read.
pub fn read(payload: &Value, form: PostForm, mention: &str) -> Result<Drawn, String> {
    let text = payload["text"].as_str().ok_or("it has no text")?;
    let blocks = texts(&payload["blocks"]);
    let mentions = text.contains(mention);
    if form != PostForm::Plain && blocks.iter().any(|text| text.contains(mention)) != mentions {
        return Err("only one of text and blocks mentions".to_owned());
    }
    let text = text.replace(&format!(" {mention}"), "");
    let pushed = text.lines().next().unwrap_or_default();
    let mut drawn = Drawn { tallies: vec![tally(pushed)?], mentions, ..Drawn::default() };
    if form == PostForm::Plain {
        let finding = text.lines().find_map(|line| line.strip_prefix("Finding: "));
        let findings = vec![finding_number(finding.ok_or("it names no finding")?)];
        drawn.parts.push(Part { findings, ..push(pushed)? });
        return Ok(drawn);
    }
    let first = blocks.first().ok_or("it has no block")?.replace(mention, "");
    let attachments = payload["attachments"].as_array().ok_or("it has no attachments")?;
    let below: Vec<(&str, Vec<String>)> = attachments
        .iter()
        .map(|a| (a["color"].as_str().unwrap_or_default(), texts(&a["blocks"])))
        .collect();
    // The heading of the only card stands above.
    if let ([(colour, texts)], true) = (&below[..], first.contains("\n*Where* ")) {
        drawn.parts.extend([push(pushed)?, card(&first, texts, colour)?]);
        return Ok(drawn);
    }
    drawn.tallies.push(tally(&first)?);
    for said in [pushed, &first] {
        let (_, place) = said.rsplit_once(" in ").ok_or("it names no places")?;
        drawn.places.push(place.to_owned());
    }
    for (colour, texts) in below {
        match form {
            PostForm::Digest => drawn.parts.extend(digest(&texts)?),
            _ => {
                let (heading, below) = texts.split_first().ok_or("a card is empty")?;
                drawn.parts.push(card(heading, below, colour)?);
            }
        }
    }
    Ok(drawn)
}

/// The texts of blocks with markup. A description has none.
fn texts(blocks: &Value) -> Vec<String> {
    let all = blocks.as_array().into_iter().flatten();
    let of = |block: &Value| match &block["text"] {
        Value::Null => block["elements"][0].clone(),
        text => text.clone(),
    };
    let marked = all.map(of).filter(|text| text["type"] == "mrkdwn");
    marked.filter_map(|text| text["text"].as_str().map(str::to_owned)).collect()
}

/// The level that a text begins with, and the text after its emoji.
fn begins(text: &str) -> Result<(u8, &str), String> {
    let found = LEVELS.iter().zip(0..).find_map(|((emoji, ..), level)| {
        text.strip_prefix(emoji).map(|rest| (level, rest.trim_start()))
    });
    found.ok_or_else(|| format!("it begins with {text:.40?}"))
}

fn level_of(word: &str) -> Result<u8, String> {
    let level = LEVELS.iter().zip(0..).find(|((_, known, _), _)| *known == word);
    level.map(|(_, level)| level).ok_or_else(|| format!("{word:?} is no level"))
}

/// `🟠 2 HIGH, 1 LOW: …`, `🟠 *2 HIGH, 1 LOW*: …` or `🟠 HIGH: …`.
fn tally(text: &str) -> Result<[usize; 5], String> {
    let (worst, rest) = begins(text)?;
    let (counts, _) = rest.split_once(':').ok_or("it says nothing of its alerts")?;
    let mut tally = [0; 5];
    for count in counts.trim().trim_matches('*').split(", ") {
        let (times, word) = count.split_once(' ').unwrap_or(("1", count));
        let times = times.parse().map_err(|_| format!("{count:?} is no count"))?;
        tally[usize::from(level_of(word)?)] = times;
    }
    match tally.iter().rposition(|times| *times > 0) == Some(usize::from(worst)) {
        true => Ok(tally),
        false => Err(format!("the emoji is not that of the worst of {counts}")),
    }
}

/// `🟠 HIGH: title · resource · account · region (circumstances)`.
fn push(text: &str) -> Result<Part, String> {
    let (level, rest) = begins(text)?;
    let (_, said) = rest.split_once(": ").ok_or("the text has no title")?;
    let parts: Vec<&str> = said.split(DOT).collect();
    let [title, .., account, region] = parts[..] else {
        return Err(format!("the text has no place: {text:?}"));
    };
    let region = region.split(" (").next().map(str::to_owned);
    let accounts = vec![(account.to_owned(), None)];
    Ok(Part { level, title: seen(title), accounts, region, ..Part::default() })
}

/// A card: its heading, and what stands below it.
fn card(heading: &str, below: &[String], colour: &str) -> Result<Part, String> {
    let (level, rest) = begins(heading)?;
    let headline = rest.lines().next().unwrap_or_default();
    let mut words = headline.splitn(3, '*');
    let (Some(""), Some(word), Some(title)) = (words.next(), words.next(), words.next()) else {
        return Err(format!("no headline: {headline:?}"));
    };
    if level_of(word.split(' ').next().unwrap_or_default())? != level {
        return Err(format!("its emoji is of another level: {heading:.40?}"));
    }
    if LEVELS[usize::from(level)].2 != colour {
        return Err(format!("its colour is of another level: {heading:.40?}"));
    }
    let labelled = |label: &str| {
        let lines = below.iter().map(String::as_str).chain([heading]).flat_map(str::lines);
        lines.filter_map(|line| line.strip_prefix(label)).next()
    };
    let place = labelled("*Where* ").ok_or("a card has no place")?;
    let (account, region) = place.split_once(DOT).ok_or("a card has no region")?;
    let footer = below.iter().find(|text| is_footer(text)).ok_or("a card has no footer")?;
    let id = footer.split(DOT).next().unwrap_or_default();
    Ok(Part {
        level,
        several: None,
        title: seen(link_label(title.trim())),
        accounts: vec![(account.trim_matches('`').to_owned(), None)],
        more_accounts: 0,
        region: Some(region.to_owned()),
        seen: Some(labelled("*When* ").and_then(times).unwrap_or(0)),
        findings: vec![finding_number(id.trim_matches('`'))],
    })
}

/// `once, …` or `3 ×, …`.
fn times(when: &str) -> Option<u32> {
    match when.split(", ").next()? {
        "once" => Some(1),
        count => count.strip_suffix(" ×")?.parse().ok(),
    }
}

/// The words of a title that may be a link, or stand beside one.
fn link_label(title: &str) -> &str {
    let Some((before, link)) = title.split_once("<https://") else { return title };
    match link.split_once('|').and_then(|(_, label)| label.split_once('>')) {
        Some(("Open", _)) => before.trim_end_matches(DOT),
        Some((label, _)) => label,
        None => title,
    }
}

/// The lines of a digest. The ids of each line of several alerts stand below all lines.
fn digest(texts: &[String]) -> Result<Vec<Part>, String> {
    let texts = texts.iter().take_while(|text| !is_footer(text));
    let lines = texts.flat_map(|text| text.lines());
    let is_about = |line: &&str| begins(line).is_ok();
    let mut parts = Vec::new();
    for line in lines.clone().filter(is_about) {
        parts.push(digest_line(line)?);
    }
    // The last of them may be a link.
    let mut ids = lines.filter(|line| !is_about(line) && !line.starts_with('<'));
    for part in parts.iter_mut().filter(|part| part.several.is_some()) {
        let (label, named) = ids.next().and_then(|line| line.rsplit_once(": ")).ok_or("no ids")?;
        if letters(&seen(label)) != letters(&part.title) {
            return Err(format!("the ids of {:?} are those of {label:?}", part.title));
        }
        part.findings = named.split(", ").map(finding_number).collect();
    }
    match ids.next() {
        Some(line) => Err(format!("a line is about nothing: {line:?}")),
        None => Ok(parts),
    }
}

/// `🟠 (late) title · resource · account · region · id`, or
/// `🟠 *16 ×* title (late) · resources · accounts · regions`.
fn digest_line(line: &str) -> Result<Part, String> {
    let (level, rest) = begins(line)?;
    let several = rest.strip_prefix('*').and_then(|rest| rest.split_once(" ×* "));
    let said: Vec<&str> = several.map_or(rest, |(_, rest)| rest).split(DOT).collect();
    let Some((times, _)) = several else {
        let [title, .., account, region, id] = said[..] else {
            return Err(format!("a line is too short: {line:?}"));
        };
        let circumstances = title.strip_prefix('(').and_then(|title| title.split_once(") "));
        return Ok(Part {
            level,
            title: seen(circumstances.map_or(title, |(_, title)| title)),
            accounts: vec![(account.to_owned(), None)],
            region: Some(region.to_owned()),
            findings: vec![finding_number(id.trim_matches('`'))],
            ..Part::default()
        });
    };
    let is_account =
        |part: &&&str| part.len() >= 12 && part.bytes().take(12).all(|b| b.is_ascii_digit());
    let accounts = said.iter().find(is_account).ok_or_else(|| format!("no accounts: {line:?}"))?;
    let (accounts, more) = accounts.rsplit_once(" +").unwrap_or((accounts, "0"));
    let account = |named: &str| match named.split_once(" ×") {
        Some((id, times)) => (id.to_owned(), times.parse().ok()),
        None => (named.to_owned(), None),
    };
    Ok(Part {
        level,
        several: Some(times.parse().map_err(|_| format!("no number: {line:?}"))?),
        title: seen(said[0].split(" (").next().unwrap_or_default()),
        accounts: accounts.split(", ").map(account).collect(),
        more_accounts: more.parse().unwrap_or(usize::MAX),
        ..Part::default()
    })
}

/// The last text of a card or digest has the id of the post. Notes may stand below.
fn is_footer(text: &str) -> bool {
    text.contains("hansho `")
}

/// A text as people see it.
fn seen(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The letters and digits of a text. The rest may be drawn in another way, as markup is.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}
