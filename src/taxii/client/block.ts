import type { XmlElement } from '../../xml/read.ts'

/** A Content_Block as a client receives it. */
export interface ReceivedBlock {
  /** of its Content_Binding; '' where it has none */
  readonly binding: string
  /** its Timestamp_Label as it was written; undefined where it has none */
  readonly label: string | undefined
  /** its Content element */
  readonly content: XmlElement
}
