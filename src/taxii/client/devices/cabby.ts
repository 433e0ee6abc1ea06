import type { Device } from '../device.ts'
import { countInline } from './count-inline.ts'

export const cabby: Device = {
  name: 'cabby',
  title: 'cabby',
  discovers: false,
  binding: undefined,
  windowDays: undefined,
  attempts: 1,
  userAgent: 'python-requests/2.31.0',
  read: countInline,
}
