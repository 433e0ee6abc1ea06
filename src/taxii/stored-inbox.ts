import { createInboxIntake } from '../intake/inbox.ts'
import type { Intake } from '../intake/intake.ts'
import { findDestinations, readOwnDestinations } from '../store/inbox.ts'
import type { Inbox, InboxSettings } from './inbox.ts'
import type { InboxFigures } from './inbox-figures.ts'

/** The inbox of the store. */
export function createStoredInbox(
  intake: Intake,
  settings: InboxSettings,
  figures?: InboxFigures,
): Inbox {
  const { db } = intake
  const { deliver } = createInboxIntake(intake, figures?.stored)
  return {
    settings,
    figures,
    async deliver(delivery) {
      const delivered = await deliver(delivery)
      figures?.delivered(delivered)
      return delivered
    },
    findDestinations: (account, names) => findDestinations(db, account, names),
    readOwnDestinations: (account) => readOwnDestinations(db, account),
  }
}
