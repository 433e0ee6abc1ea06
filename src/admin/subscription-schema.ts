import { type Static, Type } from 'typebox'
import { responseTypes, subscriptionStatuses } from '../model/subscription.ts'
import { closed, moment, oneOf, pageOf, pageParameters } from './schemas.ts'

export const SubscriptionQuery = closed({
  account: Type.Optional(Type.String({ description: 'Of this account.', maxLength: 128 })),
  collection: Type.Optional(Type.String({ description: 'To this collection.', maxLength: 128 })),
  ...pageParameters,
})

export const SubscriptionJson = Type.Object({
  id: Type.String({ description: 'What its account polls by.' }),
  account: Type.String(),
  collection: Type.String(),
  status: oneOf(
    subscriptionStatuses,
    'One that is paused can be polled, for nothing is pushed anyhow. Of those that are ended the last hundred of each account and collection are kept.',
  ),
  responseType: oneOf(responseTypes, 'COUNT_ONLY: how many blocks there are, and none of them.'),
  contentBindings: Type.Array(Type.String(), { description: 'Empty: any.' }),
  createdAt: moment('When it was subscribed.'),
  changedAt: moment('When its status last changed.'),
})
export type SubscriptionJson = Static<typeof SubscriptionJson>

export const SubscriptionPage = pageOf('subscriptions', SubscriptionJson)
