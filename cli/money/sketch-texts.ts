/** What users are told of refusals by SketchRegistry and SignatureRegistry; as error-texts.ts. */
export const sketchErrorTexts: Readonly<Record<string, string>> = {
  'SketchRegistry.WrongBond': 'the bond is {expected:open}, and {actual:open} would be sent',
  'SketchRegistry.NotModelOwner': 'model {modelId} belongs to somebody else; sign with the key of its owner',
  'SketchRegistry.BadTable': 'a table has 1 to 4,096 rows of 1 to 16,384 numbers, not {rows} of {size}',
  'SketchRegistry.AlreadyRegistered': 'the model version has a table for the adapter {adapterRoot} already',
  'SketchRegistry.NotOwner': 'somebody else registered the table for the adapter {adapterRoot}, or nobody did',
  'SketchRegistry.AlreadyRetired': 'the table for the adapter {adapterRoot} is retired already, or was proven false',
  'SketchRegistry.TooManySources': '{sources} versions of Datanets; a table names 8 at most',
  'SketchRegistry.UnknownSource': 'Datanet {datanet} has no version {version}',
  'SketchRegistry.UnknownTable': 'nobody registered a table for the adapter {adapterRoot}',
  'SketchRegistry.AlreadyFalse': 'the table for the adapter {adapterRoot} was proven false already',
  'SketchRegistry.BondLocked': 'the bond answers for the table until {until:time}',
  'SketchRegistry.NoBond': 'the bond of the table for the adapter {adapterRoot} was paid back already, or lost',
  'SignatureRegistry.WrongSignature': 'the signature is not the one of {simHash}, which the contribution committed to',
  'SignatureRegistry.AlreadyShown': 'the signature of contribution {contribId} was shown already',
}

/** What happened, in words; as event-texts.ts. */
export const sketchEventTexts: Readonly<Record<string, string>> = {
  SketchesRegistered: 'table of influences {root} with {rows} rows in force from {from:time} on',
  SketchesRetired: 'table of influences of the adapter {adapterRoot} in force until {until:time}',
  SketchSources: 'its texts are of versions of Datanets that it names',
  SketchesProvenFalse:
    'table of influences of the adapter {adapterRoot} proven false; in force until {until:time}, reward {reward:open}',
  SketchBondReturned: 'bond {amount:open} paid to {to}',
  SignatureShown: 'signature of contribution {contribId} shown; it counts from the next day on',
}
