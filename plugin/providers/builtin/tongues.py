"""A question in German, French or Spanish: which language it is, and its telling words, the common ones in English.

Answers are in English; names in a catalog mostly are, too. Considered: a language-detection package (tens of megabytes
for what three short lists of function words settle) and machine translation (a model, which this provider is not).
"""

# ruff: noqa: E501 - lists of words

from __future__ import annotations

import re

_FUNCTION = {
    "German": """der die das den dem des ein eine einen einem einer ist sind war wird werden hat habe haben wo was wer wem wen
        wie welche welcher welches welchen gibt es ich wir uns mir mich unser unsere bitte und oder nicht mit von vom zum zur
        zu im am aus bei für über alle kann kannst können zeig zeige suche finde brauche nach auf heißt bedeutet gehört danke
        hallo guten tag morgen moin woher kommt liegen liegt viele sich dir du""",
    "French": """le la les un une des du de est sont était où qui que quoi quel quelle quels quelles comment combien pourquoi
        je nous vous il elle on mon notre nos votre et ou avec pour sur dans par au aux ce cette ces montre montrez trouver
        cherche besoin merci bonjour salut bonsoir y a-t-il avez signifie veut dire trouve puis responsable""",
    "Spanish": """el la los las un una unos unas es son está están era dónde donde quién quien qué que cuál cual cuáles
        cuales cómo como cuántos cuantos cuántas cuantas por para con en del al y o mi nuestro nuestra muestra muéstrame
        busca busco necesito gracias hola buenos buenas días dias tardes hay tiene tienen significa sobre""",
}
_ENGLISH = frozenset(
    """the is are was what which who where how show list find of and or in to from for with does do have has this that my our
    me i we you can could should a an it its tables table columns column about by on per revenue top""".split()
)
_ALONE = {
    "German": "hallo danke moin servus bitte tschüss grüezi guten",
    "French": "bonjour merci salut bonsoir coucou",
    "Spanish": "hola gracias buenos buenas",
}
_NOUNS = {
    "German": """tabelle=table tabellen=tables spalte=column spalten=columns kunde=customer kunden=customers kundendaten=customers
        bestellung=order bestellungen=orders auftrag=order aufträge=orders umsatz=revenue umsätze=revenue produkt=product
        produkte=products artikel=product lager=warehouse lagerbestand=stock lagerbestände=stock bestand=stock lieferung=shipment
        lieferungen=shipments lieferant=supplier lieferanten=suppliers rechnung=invoice rechnungen=invoices
        mitarbeiter=employees gehalt=salary gehälter=salaries rückgabe=return retouren=returns erstattung=refund
        erstattungen=refunds zahlung=payment zahlungen=payments preis=price preise=prices verkauf=sales verkäufe=sales
        filiale=store filialen=stores land=country adresse=address adressen=addresses besitzer=owner verantwortlich=owner
        daten= informationen= finden= kündigung=churn ticket=ticket""",
    "French": """table=table tables=tables colonne=column colonnes=columns client=customer clients=customers commande=order
        commandes=orders chiffre= affaires=revenue revenu=revenue revenus=revenue produit=product produits=products
        entrepôt=warehouse entrepôts=warehouses stock=stock livraison=shipment livraisons=shipments fournisseur=supplier
        fournisseurs=suppliers facture=invoice factures=invoices employé=employee employés=employees salaire=salary
        salaires=salaries remboursement=refund remboursements=refunds retour=return retours=returns paiement=payment
        paiements=payments prix=price vente=sales ventes=sales magasin=store magasins=stores pays=country adresse=address
        données= informations= d'affaires=revenue""",
    "Spanish": """tabla=table tablas=tables columna=column columnas=columns cliente=customer clientes=customers pedido=order
        pedidos=orders ingreso=revenue ingresos=revenue ventas=sales venta=sales producto=product productos=products
        almacén=warehouse almacenes=warehouses existencias=stock inventario=stock correo=email correos=email direcciones=address envío=shipment envíos=shipments
        proveedor=supplier proveedores=suppliers factura=invoice facturas=invoices empleado=employee empleados=employees
        salario=salary salarios=salaries reembolso=refund reembolsos=refunds devolución=return devoluciones=returns
        pago=payment pagos=payments precio=price precios=prices tienda=store tiendas=stores país=country dirección=address
        datos= información= dueño=owner""",
}
_WORDS = {name: frozenset(text.split()) for name, text in _FUNCTION.items()}
_GREETINGS = {name: frozenset(text.split()) for name, text in _ALONE.items()}
_LEXICON = {name: dict(pair.partition("=")[::2] for pair in text.split()) for name, text in _NOUNS.items()}
_WORD = re.compile(r"[^\W\d_][\w'-]*")


def language_of(text: str) -> str | None:
    """German, French or Spanish where most words that say a language say that one; None for English and for names."""
    if "_" in text or "." in text.strip("."):
        words = [word for word in text.lower().split() if not re.search(r"[._]", word)]
    else:
        words = [each.lower() for each in _WORD.findall(text)]
    if not words or any("«" in word for word in words):
        return None
    if len(words) <= 3:
        for name, greetings in _GREETINGS.items():
            if words[0] in greetings:
                return name
    english = sum(word in _ENGLISH for word in words)
    counted = {
        name: (
            sum(word in known for word in words) + sum(word in _LEXICON[name] for word in words) / 2,
            sum(word in known for word in words),
        )
        for name, known in _WORDS.items()
    }
    best = max(counted, key=lambda name: counted[name])
    return best if counted[best][1] >= 2 and counted[best][0] > english + 0.5 else None


def english_words(text: str, language: str) -> str:
    """What is left to look for: no function words, the common nouns of a business in English, names as they are."""
    kept: list[str] = []
    for word in text.split():
        bare = word.strip(",?!.;:¿¡()").lower()
        if language == "French":
            bare = re.sub(r"^[ldsnqjc]['’]", "", bare)
        known = _LEXICON[language].get(bare)
        if known is not None:
            kept += [known] if known else []
        elif bare and bare not in _WORDS[language] and bare not in _GREETINGS[language]:
            kept.append(word.strip(",?!;:¿¡()"))
    return " ".join(dict.fromkeys(kept))
