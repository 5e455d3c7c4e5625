/**
 * Starters and reference export the same names with the same types.
 *
 * Compared is what another file can see: values by their types, functions by
 * their signatures, classes by their constructors and public members, type
 * names by what they refer to. Private members are nobody's business.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { readyChapters } from '../manifest.ts';
import type { Chapter } from '../manifest.ts';
import { SOLUTIONS } from '../root.ts';
import { writeStarterTree } from '../starters.ts';
import { compilerOptions } from './compiler.ts';
import { oneUnit } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { scratch } from './scratch.ts';

export function findFaults(): Outcome {
  const starters = scratch('surface');
  rmSync(starters, { recursive: true, force: true });
  writeStarterTree(starters);
  try {
    return oneUnit(compareTrees(starters, SOLUTIONS, readyChapters));
  } finally {
    rmSync(starters, { recursive: true, force: true });
  }
}

/** What differs between the `index.ts` files of two trees. */
export function compareTrees(starters: string, reference: string, wanted: readonly Pick<Chapter, 'folder'>[]): string[] {
  const doors = wanted.map(({ folder }) => ({
    folder,
    starter: join(starters, folder, 'index.ts'),
    reference: join(reference, folder, 'index.ts'),
  }));
  // A program for each tree: within one, the order of a union's members depends on what was read before.
  const starterProgram = ts.createProgram(doors.map((door) => door.starter), compilerOptions());
  const referenceProgram = ts.createProgram(doors.map((door) => door.reference), compilerOptions());
  return doors.flatMap((door) => {
    for (const file of [door.starter, door.reference]) {
      if (!existsSync(file)) return [`${door.folder}/index.ts is missing in the ${file === door.starter ? 'starters' : 'reference'}`];
    }
    return compareSurfaces(door.folder, surfaceOf(starterProgram, door.starter), surfaceOf(referenceProgram, door.reference));
  });
}

function compareSurfaces(folder: string, starter: Surface, reference: Surface): string[] {
  const faults: string[] = [];
  for (const name of [...new Set([...reference.keys(), ...starter.keys()])].sort()) {
    const mine = starter.get(name);
    const wanted = reference.get(name);
    if (mine === wanted) continue;
    if (mine === undefined) faults.push(`${folder}: the starter does not export ${name}, the reference does: ${String(wanted)}`);
    else if (wanted === undefined) faults.push(`${folder}: the starter exports ${name}, the reference does not: ${mine}`);
    else faults.push(`${folder}: ${name} is\n    ${mine} in the starter and\n    ${wanted} in the reference`);
  }
  return faults;
}

type Surface = Map<string, string>;

function surfaceOf(program: ts.Program, file: string): Surface {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const surface: Surface = new Map();
  for (const exported of module ? checker.getExportsOfModule(module) : []) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    // The compiler numbers the names of symbols anew in each program.
    const printed = new Printer(checker).symbol(symbol).replaceAll(/__@(\w+)@\d+/g, '[Symbol.$1]');
    surface.set(exported.name, printed);
  }
  return surface;
}

const { TypeFormatFlags } = ts;
const FLAGS = TypeFormatFlags.NoTruncation | TypeFormatFlags.UseAliasDefinedOutsideCurrentScope | TypeFormatFlags.WriteArrowStyleSignature;

class Printer {
  readonly #checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  symbol(symbol: ts.Symbol): string {
    const checker = this.#checker;
    if (symbol.flags & ts.SymbolFlags.Class) {
      const declared = checker.getDeclaredTypeOfSymbol(symbol);
      const constructor = checker.getTypeOfSymbol(symbol);
      const statics = this.#members(constructor).filter((member) => !member.startsWith('prototype:'));
      return `class${this.#bases(declared)} { ${[...this.#signatures(constructor), ...statics.map((member) => `static ${member}`), ...this.#members(declared)].join('; ')} }`;
    }
    if (symbol.flags & ts.SymbolFlags.Interface) {
      const declared = checker.getDeclaredTypeOfSymbol(symbol);
      return `interface { ${[...this.#signatures(declared), ...this.#members(declared)].join('; ')} }`;
    }
    if (symbol.flags & ts.SymbolFlags.TypeAlias) {
      return `type ${checker.typeToString(checker.getDeclaredTypeOfSymbol(symbol), undefined, FLAGS | TypeFormatFlags.InTypeAlias)}`;
    }
    return checker.typeToString(checker.getTypeOfSymbol(symbol), undefined, FLAGS);
  }

  #bases(type: ts.Type): string {
    const bases = this.#checker.getBaseTypes(type as ts.InterfaceType);
    return bases.length === 0 ? '' : ` extends ${bases.map((base) => this.#checker.typeToString(base)).join(', ')}`;
  }

  #signatures(type: ts.Type): string[] {
    const checker = this.#checker;
    const print = (signature: ts.Signature): string => checker.signatureToString(signature, undefined, FLAGS);
    return [
      ...checker.getSignaturesOfType(type, ts.SignatureKind.Call).map(print),
      ...checker.getSignaturesOfType(type, ts.SignatureKind.Construct).map((signature) => `new ${print(signature)}`),
    ];
  }

  /** The public members that are declared here, by name. */
  #members(type: ts.Type): string[] {
    return this.#checker
      .getPropertiesOfType(type)
      .filter((member) => isPublic(member) && isOwn(member))
      .map((member) => {
        const optional = member.flags & ts.SymbolFlags.Optional ? '?' : '';
        const readonly = member.declarations?.some((declaration) => ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly);
        return `${readonly ? 'readonly ' : ''}${member.name}${optional}: ${this.#checker.typeToString(this.#checker.getTypeOfSymbol(member), undefined, FLAGS)}`;
      })
      .sort();
  }
}

function isPublic(member: ts.Symbol): boolean {
  return !(member.declarations ?? []).some(
    (declaration) =>
      ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected) ||
      (ts.isClassElement(declaration) && declaration.name !== undefined && ts.isPrivateIdentifier(declaration.name)),
  );
}

/** Not inherited from the library: what `Error` has is the same on both sides. */
function isOwn(member: ts.Symbol): boolean {
  return (member.declarations ?? []).some((declaration) => !declaration.getSourceFile().isDeclarationFile);
}
