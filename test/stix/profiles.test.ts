import t from 'tap'
import { profiles } from '../../src/model/collection.ts'
import { observableTypes } from '../../src/model/observable.ts'
import { renderableTypes } from '../../src/stix/cybox.ts'
import { isPublishable, publishableTypes } from '../../src/stix/profiles.ts'

t.test('each profile publishes what its clients read', async (t) => {
  t.same(publishableTypes('esa'), ['ipv4', 'ipv6', 'domain', 'url', 'md5', 'sha1', 'sha256'])
  t.same(publishableTypes('tid'), ['ipv4', 'ipv6', 'domain', 'url', 'sha256'])
  t.same([...publishableTypes('full')].sort(), [...renderableTypes].sort())
})

t.test('a type is publishable exactly when the profile lists it', async (t) => {
  for (const profile of profiles)
    for (const type of observableTypes)
      t.equal(
        isPublishable({ profile, cidr: 'omit' }, type, 'x'),
        publishableTypes(profile).some((listed) => listed === type),
        `${profile}: ${type}`,
      )
})
