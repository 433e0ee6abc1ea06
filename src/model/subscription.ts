import type { ContentBinding } from './collection.ts'

/** What a poll is answered by: blocks, or how many there are. */
export const responseTypes = ['FULL', 'COUNT_ONLY'] as const
export type ResponseType = (typeof responseTypes)[number]

/** A paused subscription is not pushed to; it may be polled (TAXII services specification 1.1, section 4.4.6). */
export const subscriptionStatuses = ['ACTIVE', 'PAUSED', 'UNSUBSCRIBED'] as const
export type SubscriptionStatus = (typeof subscriptionStatuses)[number]

/** What an account asked to be sent of a collection, under an id that it polls by. */
export interface Subscription {
  /** a UUID */
  readonly id: string
  readonly accountId: number
  readonly collectionId: number
  readonly status: SubscriptionStatus
  readonly responseType: ResponseType
  /** each once, in the order of the model's; none: any */
  readonly contentBindings: readonly ContentBinding[]
}

/** What makes two requests to subscribe the same. */
export type SubscriptionTerms = Omit<Subscription, 'id' | 'status'>
