/** Writes openapi.yaml: `npm run openapi`. A test fails where the file is not what this writes. */
import { writeFileSync } from 'node:fs'
import { renderOpenapi } from './openapi.ts'

writeFileSync(new URL('../openapi.yaml', import.meta.url), await renderOpenapi())
