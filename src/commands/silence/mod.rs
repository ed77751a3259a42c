//! `hansho silence`: the silences in the ledger.
//!
//! [`store`] reads and changes them, [`follow`] keeps those of a worker up to date, and [`notes`]
//! posts what Slack is to know of them.

mod add;
pub mod args;
mod doubts;
pub mod follow;
pub mod import;
mod note_text;
pub mod notes;
mod past;
mod show;
pub mod store;

use serde_json::Value;

use crate::clock;
use crate::commands::accounts::directory;
use crate::commands::args::Input;
use crate::commands::counts::read::days;
use crate::commands::exit::Exit;
use crate::commands::{output, setup, wiring};
use crate::config::{self, Backend, Config};
use crate::embedded::{EmbeddedLedger, Store};
use crate::finding::Text;
use crate::instants::Wall;
use crate::policy::day_counts::Day;
use crate::policy::kept_back::KeptBack;
use crate::policy::silence::{Silence, Silences};
use crate::ports::listing::Listing;
use crate::ports::{Ledger, LedgerError};
use crate::words::number_of;

use args::{Action, Import, List, One, SilenceCommand};
use show::Counted;
use store::{ChangeError, Stored};

/// Silences last at most 90 days, and are listed for 7 more.
const COUNTED_DAYS_MAX: u16 = 98;
/// The longest id that is repeated.
const ID_CHARS_MAX: usize = 100;

/// Runs the command. Prints wrong usage to stderr.
///
/// # Errors
/// The ledger does not answer, or the output can't be written.
pub async fn start(args: &SilenceCommand) -> anyhow::Result<Exit> {
    let flag = match &args.action {
        Action::Add(args) => &args.config,
        Action::List(args) => &args.config,
        Action::Show(args) | Action::Expire(args) => &args.config,
        Action::Import(args) => &args.config,
    };
    let Some(config) = setup::config(Some(flag)) else { return Ok(Exit::Usage) };
    match &config.backend {
        Backend::Embedded { path, .. } => {
            if !matches!(args.action, Action::Add(_) | Action::Import(_)) {
                setup::store_exists(path)?;
            }
            let open = match &args.action {
                Action::List(_) | Action::Show(_) => Store::open_to_read,
                Action::Add(args) if args.dry_run.is_some() => Store::open_for_dry_run,
                Action::Import(args) if args.dry_run => Store::open_for_dry_run,
                Action::Add(_) | Action::Import(_) | Action::Expire(_) => Store::open,
            };
            run(&config, &EmbeddedLedger::new(open(path)?), &args.action).await
        }
        Backend::Aws(aws) => run(&config, &wiring::on_aws(aws).await.1, &args.action).await,
    }
}

async fn run<L: Listing>(config: &Config, ledger: &L, action: &Action) -> anyhow::Result<Exit> {
    let now = clock::wall();
    let done = match action {
        Action::Add(args) => add::add(config, ledger, args, now).await?,
        Action::List(args) => list(ledger, args, now).await?,
        Action::Show(args) => show(ledger, args, now).await?,
        Action::Expire(args) => expire(ledger, args, now).await,
        Action::Import(args) => import(config, ledger, args, now).await,
    };
    match done {
        Ok(exit) => Ok(exit),
        Err(ChangeError::Document(why)) => Err(why.into()),
        Err(why) => {
            eprintln!("hansho: {why}");
            Ok(Exit::Usage)
        }
    }
}

/// The inner error is that of a change.
type Done = Result<Exit, ChangeError>;

async fn list<L: Ledger>(ledger: &L, args: &List, now: Wall) -> anyhow::Result<Done> {
    let Stored { silences, unreadable, .. } = store::read(ledger).await?;
    let counted = counted(ledger, silences.iter(), now).await?;
    print(&match args.json {
        true => pretty(&show::list_json(&silences, &counted, args.all, now)),
        false => show::list(&silences, &counted, args.all, now),
    })?;
    eprintln!("hansho: {}", show::summary(&silences, unreadable, now));
    Ok(Ok(Exit::Done))
}

async fn show<L: Ledger>(ledger: &L, args: &One, now: Wall) -> anyhow::Result<Done> {
    let silences = store::read(ledger).await?.silences;
    let Some(silence) = silences.get(args.id.trim()) else {
        eprintln!("hansho: {}", unknown(&args.id));
        return Ok(Ok(Exit::Failure));
    };
    let counted = counted(ledger, [silence].into_iter(), now).await?;
    print(&match args.json {
        true => pretty(&show::counted_json(silence, &counted, now)),
        false => show::one(silence, &counted, now),
    })?;
    Ok(Ok(Exit::Done))
}

/// Reads what these silences kept back: one read for each day since the first of them began.
async fn counted<'a, L: Ledger>(
    ledger: &L,
    silences: impl Iterator<Item = &'a Silence>,
    now: Wall,
) -> Result<Counted, LedgerError> {
    let today = Day::of(now);
    let first = silences.map(|silence| Day::of(silence.from)).min();
    // The ledger keeps no older counts.
    let first = first.unwrap_or(today).max(today.back(COUNTED_DAYS_MAX)).min(today);
    let days = days(ledger, first, today).await?;
    let of_week = days.iter().filter(|(day, _)| *day > today.back(7));
    Ok(Counted { week: KeptBack::of(of_week), all: KeptBack::of(&days) })
}

fn unknown(id: &str) -> String {
    let id = Text::new(id, ID_CHARS_MAX);
    format!("no silence {id} is known: `hansho silence list --all` lists them")
}

async fn expire<L: Ledger>(ledger: &L, args: &One, now: Wall) -> Done {
    let silence = store::change(ledger, now, |all| {
        let known = all.iter_mut().find(|silence| silence.id == args.id.trim());
        let known = known.ok_or_else(|| ChangeError::Refused(unknown(&args.id)))?;
        if !known.has_ended(now) {
            import::end(known, now);
        }
        Ok(known.clone())
    });
    let silence = silence.await?;
    tell(&silence, args.json, now, "has ended. Workers see it within 30 s");
    Ok(Exit::Done)
}

/// Says what became of a silence.
fn tell(silence: &Silence, json: bool, now: Wall, what: &str) {
    let text = match json {
        true => pretty(&show::one_json(silence, now)),
        false => format!("The silence {} {what}.\n", silence.id),
    };
    if let Err(why) = print(&text) {
        eprintln!("hansho: {why:#}");
    }
}

async fn import<L: Ledger>(config: &Config, ledger: &L, args: &Import, now: Wall) -> Done {
    let read = match &args.file {
        Input::Stdin => config::silences_of("-", std::io::stdin(), now),
        Input::File(path) => config::silences_of_file(path, now),
    };
    let of_file = match read {
        Ok(of_file) => of_file,
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| eprintln!("hansho: {mistake}"));
            return Ok(Exit::Usage);
        }
    };
    Silences::new(of_file.clone())?;
    directory::show(&config.guide.accounts, ledger).await;
    for silence in &of_file {
        for doubt in doubts::of(silence, &config.guide.accounts.get()) {
            eprintln!("hansho: warning: the silence {}: {doubt}", silence.id);
        }
    }
    let changes = match args.dry_run {
        true => {
            let known = store::read(ledger).await?.silences;
            let mut all: Vec<Silence> = known.iter().cloned().collect();
            import::apply(&mut all, &of_file, args.prune, now)?
        }
        false => {
            let apply = |all: &mut Vec<Silence>| import::apply(all, &of_file, args.prune, now);
            store::change(ledger, now, apply).await?
        }
    };
    let text = match args.json {
        true => pretty(&show::changes_json(&changes, now)),
        false => show::changes(&changes),
    };
    if let Err(why) = print(&text) {
        eprintln!("hansho: {why:#}");
    }
    let (count, would) = (changes.len(), if args.dry_run { " would be" } else { "" });
    let of_file = number_of(of_file.len(), "silence");
    eprintln!("hansho: {of_file} in the file, {count}{would} changed");
    Ok(Exit::Done)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn print(text: &str) -> anyhow::Result<()> {
    output::print(text)
}
