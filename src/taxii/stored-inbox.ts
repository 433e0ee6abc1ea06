import { createInboxIntake } from '../intake/inbox.ts'
import type { Intake } from '../intake/intake.ts'
import { findDestinations, readOwnDestinations } from '../store/inbox.ts'
import type { Inbox, InboxSettings } from './inbox.ts'

/** The inbox of the store. */
export function createStoredInbox(intake: Intake, settings: InboxSettings): Inbox {
  const { db } = intake
  return {
    ...createInboxIntake(intake),
    settings,
    findDestinations: (account, names) => findDestinations(db, account, names),
    readOwnDestinations: (account) => readOwnDestinations(db, account),
  }
}
