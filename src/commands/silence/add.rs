//! `hansho silence add`, and what a silence would keep back.

use serde_json::json;

use super::args::{Add, Rules};
use super::past::{self, Past, PastFinding};
use super::store::{self, ChangeError};
use super::{Done, doubts, pretty, print, tell};
use crate::commands::accounts::directory;
use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::commands::findings;
use crate::commands::table::{self, TableColumn, draw};
use crate::config::Config;
use crate::finding::arn::is_account_id;
use crate::finding::{Finding, Level, Text};
use crate::instants::Wall;
use crate::policy::glob::Glob;
use crate::policy::matcher::{BadRule, MatchKey, Matcher};
use crate::policy::silence::{BadSilence, Silence, Silences, product_id};
use crate::ports::listing::Listing;
use crate::terminal::terminal_columns;
use crate::words::number_of;

const FOUND: [TableColumn; 5] = [
    TableColumn::left("LEVEL", 13, 6),
    TableColumn::left("TYPE", 100, 16),
    TableColumn::left("ACCOUNT", 63, 12),
    TableColumn::left("REGION", 20, 9),
    TableColumn::left("RESOURCE", 100, 12),
];

/// # Errors
/// The file of the dry run can't be read, or the output can't be written.
pub async fn add<L: Listing>(
    config: &Config,
    ledger: &L,
    args: &Add,
    now: Wall,
) -> anyhow::Result<Done> {
    let silence = match silence(args, now) {
        Ok(silence) => silence,
        Err(why) => return Ok(Err(why)),
    };
    directory::show(&config.guide.accounts, ledger).await;
    for doubt in doubts::of(&silence, &config.guide.accounts.get()) {
        eprintln!("hansho: warning: {doubt}");
    }
    if let Some(input) = &args.dry_run {
        return match input {
            Some(input) => Ok(Ok(dry_run(config, silence, input, args.json)?)),
            None => in_the_past(config, ledger, &silence, args.json, now).await,
        };
    }
    let added = store::change(ledger, now, |all| {
        if let Some(at) = all.iter().position(|known| known.id == silence.id) {
            if all.get(at).is_some_and(|known| !known.has_ended(now)) {
                let id = &silence.id;
                return Err(ChangeError::Refused(format!(
                    "there is a silence {id} already: give another --name, or change it by \
                     `hansho silence import`"
                )));
            }
            all.swap_remove(at);
        }
        all.push(silence.clone());
        Ok(())
    });
    if let Err(why) = added.await {
        return Ok(Err(why));
    }
    let until = silence.until.to_rfc3339();
    let rules = Text::new(&silence.in_words(), 500);
    let covers = silence.covers;
    let what = format!(
        "is added, until {until}, for findings up to {covers}: {rules}. Workers see it within 30 s"
    );
    tell(&silence, args.json, now, &what);
    Ok(Ok(Exit::Done))
}

/// The silence that the arguments ask for.
fn silence(args: &Add, now: Wall) -> Result<Silence, ChangeError> {
    if args.covers == Level::Critical {
        let why = "--covers critical must be written as --critical, as it is seldom meant";
        return Err(ChangeError::Refused(why.to_owned()));
    }
    let random = || uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
    let silence = Silence {
        id: args.name.clone().unwrap_or_else(random),
        matcher: matcher(&args.rules).map_err(ChangeError::Refused)?,
        findings: args.findings.iter().map(|id| product_id(id)).collect(),
        resources: args.resources.iter().map(|text| Glob::new(text)).collect(),
        covers: if args.critical { Level::Critical } else { args.covers },
        from: args.from.map_or(Wall(now.seconds() * 1000), |from| from.moment(now)),
        until: args.until.moment(now),
        because: Text::new(&args.because, usize::MAX),
        owner: args.owner.as_ref().map(|owner| Text::new(owner, usize::MAX)),
    };
    silence.check()?;
    silence.check_times(now)?;
    Ok(silence)
}

/// The matcher of the flags. `--account` takes names as well as ids.
fn matcher(rules: &Rules) -> Result<Matcher, String> {
    let ids = rules.account.iter().filter(|text| is_account_id(text.trim())).count();
    let names = rules.account.len() - ids;
    if names > 0 && ids + rules.account_name.len() > 0 {
        return Err(
            "--account must be ids, or names alone: what it names by both is unclear".into()
        );
    }
    let account = if names > 0 { MatchKey::AccountName } else { MatchKey::Account };
    let mut matcher = Matcher::default();
    for (flag, key, patterns) in [
        ("--type", MatchKey::Type, &rules.types),
        ("--account", account, &rules.account),
        ("--account-name", MatchKey::AccountName, &rules.account_name),
        ("--account-tag", MatchKey::AccountTag, &rules.account_tag),
        ("--ou", MatchKey::Ou, &rules.ou),
        ("--region", MatchKey::Region, &rules.region),
        ("--product", MatchKey::Product, &rules.product),
        ("--resource-type", MatchKey::ResourceType, &rules.resource_type),
        ("--resource-tag", MatchKey::ResourceTag, &rules.resource_tag),
        ("--level", MatchKey::Level, &rules.level),
    ] {
        if !patterns.is_empty() {
            matcher.add(false, key, patterns).map_err(|why| format!("{flag} {why}"))?;
        }
    }
    for key in MatchKey::ALL {
        let of_key = rules.not.iter().filter_map(|text| text.split_once('='));
        let patterns = of_key.filter(|(name, _)| MatchKey::parse(name.trim()) == Some(key));
        let patterns: Vec<&str> = patterns.map(|(_, pattern)| pattern).collect();
        if !patterns.is_empty() {
            let wrong = |why: BadRule| format!("--not {} {why}", key.as_str());
            matcher.add(true, key, patterns).map_err(wrong)?;
        }
    }
    let is_known = |text: &String| {
        text.split_once('=').is_some_and(|(k, _)| MatchKey::parse(k.trim()).is_some())
    };
    match rules.not.iter().all(is_known) {
        true => Ok(matcher),
        false => {
            let known = MatchKey::ALL.map(MatchKey::as_str).join(", ");
            Err(format!(
                "--not must be a key and a pattern, such as type=Policy:*: keys are {known}"
            ))
        }
    }
}

/// Says which findings of the last days the silence would have kept back.
async fn in_the_past<L: Listing>(
    config: &Config,
    ledger: &L,
    silence: &Silence,
    json: bool,
    now: Wall,
) -> anyhow::Result<Done> {
    if let Some(rule) = past::unanswerable(silence) {
        let why = format!("the ledger does not keep {rule}: give --dry-run a file of findings");
        return Ok(Err(ChangeError::Refused(why)));
    }
    let accounts = config.guide.accounts.get();
    let past = past::past(ledger, silence, &accounts, now).await?;
    let Past { posted, kept_back, unclear, cut, .. } = &past;
    if json {
        let named: Vec<&str> = past.named.iter().map(|one| one.fingerprint.as_str()).collect();
        let all = json!({
            "posted": posted, "kept_back": kept_back, "named": named, "unclear": unclear, "cut": cut,
        });
        print(&pretty(&all))?;
        return Ok(Ok(Exit::of(!cut)));
    }
    if !past.named.is_empty() {
        let row = |one: &PastFinding| {
            let text = |text: &str| table::or_none(&Text::new(text, 100).into_string());
            let account = accounts.label(&one.account);
            let (kind, region, resource) =
                (text(&one.kind), text(&one.region), text(&one.resource));
            vec![one.level.to_string(), kind, account, region, resource]
        };
        let rows: Vec<Vec<String>> = past.named.iter().map(row).collect();
        print(&draw(&FOUND, &rows, terminal_columns()))?;
    }
    let mut said = format!(
        "Of {} posted in the last 7 days, the silence would have kept back {kept_back}. ",
        number_of(*posted, "finding")
    );
    if *unclear > 0 {
        said += &format!("Of {unclear} the ledger knows too little to say. ");
    }
    if *cut {
        said += "The ledger has more records than were read. ";
    }
    print(&format!("{said}Nothing was added.\n"))?;
    Ok(Ok(Exit::of(!cut)))
}

/// Says which findings of an input the silence would keep back, if they came while it is in force.
fn dry_run(config: &Config, silence: Silence, input: &Input, json: bool) -> anyhow::Result<Exit> {
    let (findings, all_read) = findings::of(input)?;
    let (from, mut routes) = (silence.from, config.routes());
    routes.silences =
        Silences::new(vec![silence]).map_err(|why: BadSilence| anyhow::anyhow!(why))?.into();
    let owed = findings.iter().filter(|finding| !routes.owed(finding).is_empty());
    let owed: Vec<&Finding> = owed.collect();
    let kept = |finding: &&&Finding| routes.silenced_by(finding, from).is_some();
    let kept: Vec<&Finding> = owed.iter().filter(kept).copied().collect();
    let accounts = config.guide.accounts.get();
    let row = |finding: &&Finding| {
        let text = |text: &Text| text.to_string();
        vec![
            finding.severity.level.to_string(),
            text(&finding.kind),
            accounts.label(finding.account.as_str()),
            text(&finding.region),
            finding.resource.as_ref().map_or("-".to_owned(), text),
        ]
    };
    let (all, owed, count) = (findings.len(), owed.len(), kept.len());
    match json {
        true => {
            let kept: Vec<String> = kept.iter().map(|f| f.fingerprint.to_string()).collect();
            print(&pretty(&json!({ "findings": all, "owed": owed, "kept_back": kept })))?;
        }
        false => {
            if !kept.is_empty() {
                let rows: Vec<Vec<String>> = kept.iter().map(row).collect();
                print(&draw(&FOUND, &rows, terminal_columns()))?;
            }
            print(&format!(
                "Of {}, {owed} {} owed to a destination. The silence would keep back {count} of \
                 them. Nothing was added.\n",
                number_of(all, "finding"),
                if owed == 1 { "is" } else { "are" }
            ))?;
        }
    }
    Ok(Exit::of(all_read))
}
