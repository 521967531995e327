/**
 * Tables of a watcher's CommunityBook. `stage`: 0 to be checked, from the time `again` on (Unix milliseconds), 1 checked, 2 its signature
 * is unknown. `pos`: places of events. `fate`: decisions of items alone, which may come before a batch's list is here. `twin`: items whose
 * content an earlier one of their Datanet has.
 */
export const communitySchema = `
  create table place (pos integer not null);
  insert into place values (-1);
  create table datanet (id integer primary key, media integer not null, visibility integer not null);
  create table similarity (datanet integer, pos integer, bps integer not null, primary key (datanet, pos)) without rowid;
  create table item (
    id integer primary key, datanet integer not null, kind integer not null, content text not null, sim text not null,
    consent integer not null, size integer not null, meta text not null, first integer, decision integer not null,
    pos integer not null, left_pos integer, signature blob, stage integer not null, wait integer not null, again integer not null
  );
  create index item_content on item (datanet, content);
  create index item_sim on item (sim);
  create index item_due on item (stage, again, id);
  create table fate (id integer primary key, decision integer not null, left_pos integer);
  create table batch (
    id integer primary key, datanet integer not null, count integer not null, root text not null, meta text not null,
    decision integer not null, pos integer not null, stage integer not null, wait integer not null, again integer not null
  );
  create table version (
    id integer primary key autoincrement, datanet integer not null, version integer not null, items_root text not null,
    diff text, pos integer not null, stage integer not null default 0, wait integer not null default 0,
    again integer not null default 0, unique (datanet, version)
  );
  create table void (datanet integer, version integer, primary key (datanet, version)) without rowid;
  create table band (datanet integer, key integer, id integer, primary key (datanet, key, id)) without rowid;
  create table twin (id integer primary key);
  create table near (
    id integer primary key, copy integer not null, original integer not null, bps integer not null, unique (copy, original)
  );
  create table shown (sim text primary key, signature blob not null) without rowid;
  create table demand (id integer primary key, asker text not null, until integer not null, is_open integer not null);
  create table fault (id integer primary key, call text not null);
  create table false_version (
    id integer primary key, datanet integer not null, version integer not null, call text not null, unique (datanet, version)
  );`
