"""Words that say nothing about what a text is about: articles, pronouns, prepositions, auxiliaries, and greetings."""

from __future__ import annotations

from typing import Final

_ENGLISH: Final = """
the and for are was were been being has have had does did not but you your yours our ours his her its their
them they this that these those there here with without from into onto over under about after before between
can could would should will shall may might must any some all each other others another more most much many
very just only also than then too now how what when where which who whom whose why please hello dear regards
thanks thank hey good morning team get got off out still yet because while until since ever never
"""
_GERMAN: Final = """
der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine keinen mit ohne von
vom zum zur für auf aus bei nach vor über unter durch gegen ist sind war waren bin bist hat habe haben hatte
wird werden wurde kann können könnte muss müssen soll darf ich sie wir ihr ihre ihren mein meine meinen mir
mich uns euch ihm ihn dass wenn wie was wer wann warum welche welcher welches bitte hallo guten tag danke noch
schon auch nur sehr mehr immer dieser diese dieses hier dort dann
"""
_FRENCH: Final = """
les des une aux est sont était être avoir ont pas que qui quoi dont dans par pour sur avec sans mais donc vous
nous ils elle elles mon mes ton tes son ses notre votre vos leur leurs cette ces comment quand pourquoi quel
quelle bonjour merci plus très tout tous toute
"""
_ROMANCE: Final = """
los las una unos unas del con sin por para pero como más muy este esta estos estas ese esa que qué cómo cuándo
dónde mis sus nuestro está están ser son fue hay hola gracias puedo puede dos das uma uns umas com sem mas não
isso essa meu minha seu sua você pode posso olá obrigado gli dei delle della nel nella alla che non mio mia
suo sono come quando dove ciao grazie
"""
_DUTCH: Final = """
het een van met zonder voor naar bij niet geen maar zijn heb heeft hebben kan kunnen moet jij wij zij mijn
jouw ons onze deze dit dat wat wie waar wanneer waarom hoe hallo bedankt
"""

SMALL: Final = frozenset(" ".join((_ENGLISH, _GERMAN, _FRENCH, _ROMANCE, _DUTCH)).split())
