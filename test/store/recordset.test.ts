import t from 'tap'
import { recordset } from '../../src/store/recordset.ts'

t.test('what PostgreSQL cannot hold is taken out of the texts', async (t) => {
  const rows = [{ a: 'x\0y\ud800z', b: '\\ud800 stands for itself', c: 1 }]
  t.same(JSON.parse(recordset(rows)), [{ a: 'xy\ufffdz', b: '\\ud800 stands for itself', c: 1 }])
  t.equal(recordset([{ a: 'plain' }]), '[{"a":"plain"}]')
})
