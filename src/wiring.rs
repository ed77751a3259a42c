//! From references in the configuration to secrets in hand: which adapter reads which.

use anyhow::anyhow;
use aws_config::SdkConfig;

use crate::aws;
use crate::config::{Config, Reference, pace_allowed};
use crate::secret::Secret;
use crate::slack::{self, SlackNotifier, WebhookSource};
