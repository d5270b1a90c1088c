/**
 * @file A reader of Python pickles that executes nothing: it builds numbers, texts, lists, dictionaries and whatever the
 * caller's table of constructors allows; every other global is refused by its name.
 */
import { NetvladError } from '../../errors.ts';

/** A class or function that a pickle names; it is looked up, never imported. */
export interface PickleGlobal {
  readonly global: string;
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleGlobal
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleObject;

/** What a constructor made; opaque to the reader. */
export interface PickleObject {
  readonly object: unknown;
}

export interface PickleHooks {
  /** `module.name` -> what calling it gives. A name that is absent is refused. */
  readonly constructors: ReadonlyMap<string, (args: readonly PickleValue[]) => PickleValue>;
  /** Meaning of a persistent id (PyTorch: a storage). */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** A key or name of a pickle as text; undefined for anything that is no text or number. */
export function textOf(value: PickleValue | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

const MARK = Symbol('mark');
type StackItem = PickleValue | typeof MARK;

const TEXT = new TextDecoder();

function refuse(problem: string): NetvladError {
  return new NetvladError('model', `Checkpoint: ${problem}.`, {
    hint: "Only tensors are read. Save the weights alone: torch.save(model.state_dict(), 'weights.pt').",
  });
}

export class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hooks: PickleHooks;
  readonly #memo = new Map<number, PickleValue>();
  #stack: StackItem[] = [];
  #at: number;

  constructor(bytes: Uint8Array, hooks: PickleHooks, start = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#hooks = hooks;
    this.#at = start;
  }

  /** Just after the pickle's last byte, once `read` has returned. */
  get end(): number {
    return this.#at;
  }

  /** @throws NetvladError `model` for anything but plain data and allowed constructors, and for truncated bytes */
  read(): PickleValue {
    try {
      for (;;) {
        const opcode = this.#byte();
        if (opcode === 0x2e) return this.#pop(); // STOP
        this.#execute(opcode);
      }
    } catch (error) {
      if (error instanceof RangeError) throw refuse(`ends in the middle of its description, at byte ${this.#at}`);
      throw error;
    }
  }

  #execute(opcode: number): void {
    const simple = SIMPLE_VALUES.get(opcode);
    if (simple !== undefined) this.#push(simple());
    else if (!this.#number(opcode) && !this.#text(opcode) && !this.#container(opcode) && !this.#object(opcode)) {
      throw refuse(`pickle instruction 0x${opcode.toString(16)} is not allowed`);
    }
  }

  #number(opcode: number): boolean {
    if (opcode === 0x4b)
      this.#push(this.#byte()); // BININT1
    else if (opcode === 0x4d)
      this.#push(this.#unsigned(2)); // BININT2
    else if (opcode === 0x4a)
      this.#push(this.#skip(4, (at) => this.#view.getInt32(at, true))); // BININT
    else if (opcode === 0x47)
      this.#push(this.#skip(8, (at) => this.#view.getFloat64(at))); // BINFLOAT
    else if (opcode === 0x8a)
      this.#push(this.#long(this.#byte())); // LONG1
    else return false;
    return true;
  }

  #text(opcode: number): boolean {
    if (opcode === 0x58)
      this.#push(TEXT.decode(this.#take(this.#unsigned(4)))); // BINUNICODE
    else if (opcode === 0x8c || opcode === 0x55)
      this.#push(TEXT.decode(this.#take(this.#byte()))); // SHORT_*
    else if (opcode === 0x54)
      this.#push(TEXT.decode(this.#take(this.#unsigned(4)))); // BINSTRING
    else if (opcode === 0x43)
      this.#push(this.#take(this.#byte())); // SHORT_BINBYTES
    else if (opcode === 0x42)
      this.#push(this.#take(this.#unsigned(4))); // BINBYTES
    else return false;
    return true;
  }

  #container(opcode: number): boolean {
    if (opcode === 0x28) this.#stack.push(MARK);
    else if (opcode === 0x74)
      this.#push(this.#popToMark()); // TUPLE
    else if (opcode >= 0x85 && opcode <= 0x87)
      this.#push(this.#popMany(opcode - 0x84)); // TUPLE1..3
    else if (opcode === 0x61)
      this.#append([this.#pop()]); // APPEND
    else if (opcode === 0x65)
      this.#append(this.#popToMark()); // APPENDS
    else if (opcode === 0x73)
      this.#setItems(this.#popMany(2)); // SETITEM
    else if (opcode === 0x75)
      this.#setItems(this.#popToMark()); // SETITEMS
    else return false;
    return true;
  }

  #object(opcode: number): boolean {
    if (opcode === 0x80)
      this.#take(1); // PROTO
    else if (opcode === 0x95)
      this.#take(8); // FRAME
    else if (opcode === 0x71)
      this.#memo.set(this.#byte(), this.#peek()); // BINPUT
    else if (opcode === 0x72)
      this.#memo.set(this.#unsigned(4), this.#peek()); // LONG_BINPUT
    else if (opcode === 0x94)
      this.#memo.set(this.#memo.size, this.#peek()); // MEMOIZE
    else if (opcode === 0x68)
      this.#push(this.#remembered(this.#byte())); // BINGET
    else if (opcode === 0x6a)
      this.#push(this.#remembered(this.#unsigned(4))); // LONG_BINGET
    else if (opcode === 0x63)
      this.#push({ global: `${this.#line()}.${this.#line()}` }); // GLOBAL
    else if (opcode === 0x93)
      this.#push({ global: this.#popMany(2).map(textOf).join('.') }); // STACK_GLOBAL
    else if (opcode === 0x51)
      this.#push(this.#hooks.persistent(this.#pop())); // BINPERSID
    else if (opcode === 0x52 || opcode === 0x81)
      this.#call(); // REDUCE, NEWOBJ
    else if (opcode === 0x62)
      this.#pop(); // BUILD: attributes of an object (an OrderedDict's metadata) are of no use here
    else return false;
    return true;
  }

  #call(): void {
    const args = this.#pop();
    const callee = this.#pop();
    const name = callee !== null && typeof callee === 'object' && 'global' in callee ? callee.global : 'a value';
    const construct = this.#hooks.constructors.get(name);
    if (construct === undefined || !Array.isArray(args)) throw refuse(`holds an object of ${name}`);
    this.#push(construct(args as readonly PickleValue[]));
  }

  #append(items: readonly PickleValue[]): void {
    const list = this.#peek();
    if (!Array.isArray(list)) throw refuse('appends to what is not a list');
    list.push(...items);
  }

  #setItems(items: readonly PickleValue[]): void {
    const target = this.#peek();
    if (!(target instanceof Map)) throw refuse('sets items of what is not a dictionary');
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i]!, items[i + 1]!);
  }

  #long(size: number): number | bigint {
    const bytes = this.#take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (size > 0 && bytes[size - 1]! >= 0x80) value -= 1n << BigInt(8 * size);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new RangeError('no end of line');
    const line = TEXT.decode(this.#take(end - this.#at));
    this.#take(1);
    return line;
  }

  #byte(): number {
    return this.#skip(1, (at) => this.#view.getUint8(at));
  }

  #unsigned(size: 2 | 4): number {
    return this.#skip(size, (at) => (size === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true)));
  }

  #skip<T>(size: number, read: (at: number) => T): T {
    const value = read(this.#at); // a DataView read beyond the end throws a RangeError
    this.#at += size;
    return value;
  }

  #take(size: number): Uint8Array {
    if (this.#at + size > this.#bytes.length) throw new RangeError('beyond the end');
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  #remembered(key: number): PickleValue {
    const value = this.#memo.get(key);
    if (value === undefined) throw refuse(`refers to an item ${key} that it never stored`);
    return value;
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #peek(): PickleValue {
    const top = this.#stack.at(-1);
    if (top === undefined || top === MARK) throw refuse('is not a well-formed pickle');
    return top;
  }

  #pop(): PickleValue {
    const top = this.#peek();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popToMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw refuse('is not a well-formed pickle');
    const items = this.#stack.slice(mark + 1) as PickleValue[];
    this.#stack = this.#stack.slice(0, mark);
    return items;
  }
}

const SIMPLE_VALUES: ReadonlyMap<number, () => PickleValue> = new Map<number, () => PickleValue>([
  [0x4e, () => null], // NONE
  [0x88, () => true], // NEWTRUE
  [0x89, () => false], // NEWFALSE
  [0x29, () => []], // EMPTY_TUPLE
  [0x5d, () => []], // EMPTY_LIST
  [0x7d, () => new Map<PickleValue, PickleValue>()], // EMPTY_DICT
]);
