/**
 * Nodes that stand inside of statements and mean nothing by themselves beyond what they contain. A node that is neither
 * here nor a statement is not understood, and neither is what holds it.
 */
const inner = new Set(
  `Integer Float Boolean String BitString List A_Const Alias RangeVar IntoClause GroupingFunc MergeSupportFunc
  NamedArgExpr BoolExpr SubLink CollateExpr CaseExpr CaseWhen RowExpr CoalesceExpr MinMaxExpr SQLValueFunction XmlExpr
  JsonFormat JsonReturning JsonValueExpr JsonIsPredicate JsonBehavior NullTest BooleanTest SetToDefault CurrentOfExpr
  InferenceElem JoinExpr TypeName ColumnRef ParamRef A_Expr TypeCast CollateClause RoleSpec FuncCall A_Star A_Indices
  A_Indirection A_ArrayExpr ResTarget MultiAssignRef SortBy WindowDef RangeSubselect RangeFunction RangeTableFunc
  RangeTableFuncCol RangeTableSample ColumnDef TableLikeClause IndexElem DefElem LockingClause XmlSerialize PartitionElem
  PartitionSpec PartitionBoundSpec PartitionRangeDatum PartitionCmd GroupingSet WithClause InferClause OnConflictClause
  CTESearchClause CTECycleClause CommonTableExpr MergeWhenClause ReturningOption ReturningClause TriggerTransition
  JsonOutput JsonArgument JsonFuncExpr JsonTablePathSpec JsonTable JsonTableColumn JsonKeyValue JsonParseExpr
  JsonScalarExpr JsonSerializeExpr JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor
  JsonAggConstructor JsonObjectAgg JsonArrayAgg AlterTableCmd ATAlterConstraint ObjectWithArgs AccessPriv Constraint
  CreateOpClassItem StatsElem FunctionParameter VacuumRelation PublicationTable PublicationObjSpec`.split(/\s+/),
);

export const isInner = (type: string): boolean => inner.has(type);
export const isStatement = (type: string): boolean => type.endsWith('Stmt');
