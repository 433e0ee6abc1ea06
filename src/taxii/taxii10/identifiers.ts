/** Identifiers of TAXII 1.0. Its namespace ends in 1, and its protocol bindings are those of TAXII 1.1. */
export const taxii10Namespace = 'http://taxii.mitre.org/messages/taxii_xml_binding-1'
export const messageBinding10 = 'urn:taxii.mitre.org:message:xml:1.0'
export const servicesVersion10 = 'urn:taxii.mitre.org:services:1.0'
