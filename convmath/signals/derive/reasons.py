"""Why there is no answer, in the reader's language: each sentence that an error says, by what it is in English.

A test reads the sentences off the code, so that none is without its other languages. {} is what comes from a case.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

__all__ = ["SPANISH", "told"]

SPANISH: Mapping[str, str] = {
    # no method
    "a principal value at {}, where an interval ends, is not found": (
        "no se encuentra un valor principal en {}, donde termina un intervalo"
    ),
    "terms of which each diverges add to what may have a value": (
        "términos que divergen por separado suman algo que puede tener valor"
    ),
    "no steps are written for a quotient over a period, as {} is": (
        "no hay pasos escritos para un cociente en un período, como es {}"
    ),
    "only sums of known numbers of terms are written out, which {} is not": (
        "solo se desarrollan sumas con un número conocido de términos, y {} no lo es"
    ),
    "no method convolves {} with {}": "ningún método convoluciona {} con {}",
    "no method convolves exponentials of quadratics whose squares cancel": (
        "ningún método convoluciona exponenciales de polinomios de grado 2 cuyos cuadrados se cancelan"
    ),
    "whether exp({}·τ²) turns or grows is not known: its symbols may be complex": (
        "no se sabe si exp({}·τ²) gira o crece: sus símbolos pueden ser complejos"
    ),
    "on which side of the line {} is, is not known: its symbols may be complex": (
        "no se sabe de qué lado de la recta está {}: sus símbolos pueden ser complejos"
    ),
    "no method integrates exp({}·τ²) with what does not fall beside it": (
        "ningún método integra exp({}·τ²) con lo que no decae a su lado"
    ),
    "no method convolves a rational function with exp({}·t²)": (
        "ningún método convoluciona una función racional con exp({}·t²)"
    ),
    "no method convolves a rational function with part of {}": (
        "ningún método convoluciona una función racional con una parte de {}"
    ),
    "no method convolves functions of several variables over a period": (
        "ningún método convoluciona funciones de varias variables en un período"
    ),
    "no method is known, and what SymPy finds does not hold in numbers": (
        "no se conoce ningún método, y lo que encuentra SymPy no concuerda con los valores numéricos"
    ),
    "no method is known, and {} has, or may have, a pole on the line": (
        "no se conoce ningún método, y {} tiene, o puede tener, un polo en la recta"
    ),
    "no method is known, and SymPy does not find it either": (
        "no se conoce ningún método, y SymPy tampoco la encuentra"
    ),
    "no method is known, and SymPy took longer than {} s": ("no se conoce ningún método, y SymPy tardó más de {} s"),
    "no method is known, and SymPy failed": "no se conoce ningún método, y SymPy falló",
    "no method parts these functions into functions of one variable each, and they are no balls": (
        "ningún método separa estas funciones en funciones de una variable, y no son bolas"
    ),
    "hyperbolic functions of {}*t and {}*t are not convolved": (
        "las funciones hiperbólicas de {}*t y {}*t no se convolucionan"
    ),
    "logarithms beside different exponentials are not convolved": (
        "los logaritmos junto a exponenciales distintas no se convolucionan"
    ),
    "powers of logarithms beside different exponentials are not convolved": (
        "las potencias de logaritmos junto a exponenciales distintas no se convolucionan"
    ),
    "a circular convolution of functions that are no exponentials is not found": (
        "la convolución circular de funciones que no son exponenciales no se encuentra"
    ),
    "balls in {} dimensions are not convolved": "las bolas en {} dimensiones no se convolucionan",
    "a product has more than {} terms": "un producto tiene más de {} términos",
    # what is not read
    "the zeros of {} are not found in closed form": "los ceros de {} no se encuentran en forma cerrada",
    "where {} changes its sign is not found": "no se encuentra dónde cambia de signo {}",
    "the pole {} is no multiple of a power of exp(at)": "el polo {} no es múltiplo de una potencia de exp(at)",
    "{} says nothing of t in {}": "{} no dice nada de t en {}",
    "the absolute value of {}, which need not be real, is not resolved": (
        "el valor absoluto de {}, que puede no ser real, no se resuelve"
    ),
    "the condition {} is not resolved": "la condición {} no se resuelve",
    "{} is not resolved": "{} no se resuelve",
    "{} is not resolved: a derivative of δ needs a linear argument": (
        "{} no se resuelve: una derivada de δ necesita un argumento lineal"
    ),
    "{} is not resolved: the index needs the factor 1 or -1": "{} no se resuelve: el índice necesita el factor 1 o -1",
    "{} with a slope that may be complex is not resolved": "{} con una pendiente que puede ser compleja no se resuelve",
    "a polynomial beside a rational function is not taken apart from it": (
        "un polinomio junto a una función racional no se separa de ella"
    ),
    "{} is no polynomial times the exponential of a quadratic form": (
        "{} no es un polinomio por la exponencial de una forma cuadrática"
    ),
    "{} has an exponent of a degree above 2": "{} tiene un exponente de grado mayor que 2",
    "functions of the distance are convolved by planes in three variables": (
        "las funciones de la distancia se convolucionan por planos en tres variables"
    ),
    "{} is no function of the distance from the origin": "{} no es función de la distancia al origen",
    "integrals over planes are not convolved where they grow": (
        "las integrales sobre planos no se convolucionan donde crecen"
    ),
    "the integral of {} over planes is not found": "la integral de {} sobre planos no se encuentra",
    "{} does not part into factors of one variable each": "{} no se separa en factores de una variable cada uno",
    "these are no balls and no Poisson kernels": "no son bolas ni núcleos de Poisson",
    "neither function is a sum of products of functions of one variable": (
        "ninguna de las funciones es una suma de productos de funciones de una variable"
    ),
    "no linear change of variables parts the functions": "ningún cambio lineal de variables separa las funciones",
    "along {} it depends on whether {}": "a lo largo de {} depende de si {}",
    "in other variables it depends on whether {}": "en otras variables depende de si {}",
    "too many cases depend on whether {}": "demasiados casos dependen de si {}",
    "along {} it converges where {}": "a lo largo de {} converge donde {}",
    # what has no meaning, or depends on more
    "a product of impulses in one variable has no meaning": (
        "un producto de impulsos en una variable no tiene sentido"
    ),
    "an impulse at {} stands beside a factor that jumps there, which has no meaning": (
        "un impulso en {} está junto a un factor que salta allí, lo que no tiene sentido"
    ),
    "δ(0) for all t has no meaning": "δ(0) para todo t no tiene sentido",
    "{} has no meaning: the slope of its argument is 0 at {} too": (
        "{} no tiene sentido: también la pendiente de su argumento es 0 en {}"
    ),
    "the answer where {} is not found": "no se encuentra la respuesta donde {}",
    "an impulse stands inside a function, which has no meaning": (
        "un impulso está dentro de una función, lo que no tiene sentido"
    ),
    "an impulse in continuous time has no meaning in a sequence; KroneckerDelta(n, 0) has": (
        "un impulso de tiempo continuo no tiene sentido en una sucesión; KroneckerDelta(n, 0) sí"
    ),
    "{} is infinite at {}: with a derivative of δ there comes a finite part, which is no function": (
        "{} es infinita en {}: con una derivada de δ aparece una parte finita, que no es una función"
    ),
    "where poles at {} and {} meet on a period is not known": (
        "no se sabe dónde se encuentran en un período los polos en {} y {}"
    ),
    "whether the pole {} is within the unit circle is not known": (
        "no se sabe si el polo {} está dentro del círculo unidad"
    ),
    "whether the points {} and {} are one depends on parameters": (
        "de los parámetros depende si los puntos {} y {} son uno solo"
    ),
    # what diverges
    "the period {} is not positive": "el período {} no es positivo",
    "the integral diverges: the exponent goes as {}·τ²": "la integral diverge: el exponente va como {}·τ²",
    "the integral diverges: exp({}·τ) does not fall towards {}": "la integral diverge: exp({}·τ) no decae hacia {}",
    "the integral diverges: exp({}·τ) does not fall towards ∞": "la integral diverge: exp({}·τ) no decae hacia ∞",
    "the integral diverges: its integrand ends as τ^{}": "la integral diverge: su integrando termina como τ^{}",
    "the integral diverges: its integrand ends as τ^{}; its principal value is found with pv=True": (
        "la integral diverge: su integrando termina como τ^{}; su valor principal se halla con pv=True"
    ),
    "the integral diverges: its integrand ends as a wave times τ^{}": (
        "la integral diverge: su integrando termina como una onda por τ^{}"
    ),
    "the integral diverges: there is a pole of order {} at {}; its principal value is found with pv=True": (
        "la integral diverge: hay un polo de orden {} en {}; su valor principal se halla con pv=True"
    ),
    "the integral diverges: there is a pole of order {} at {}": "la integral diverge: hay un polo de orden {} en {}",
    "the integral diverges: s**({}) is not integrable at 0": "la integral diverge: s**({}) no es integrable en 0",
    "the integral diverges: the product of the functions does not fall towards both ends": (
        "la integral diverge: el producto de las funciones no decae hacia ambos extremos"
    ),
    "the integral diverges: the quadratic form {} of its exponent is not positive definite": (
        "la integral diverge: la forma cuadrática {} de su exponente no es definida positiva"
    ),
    "the integral diverges: towards +∞ the one function goes as exp({}·t), towards -∞ the other as exp({}·t), and "
    "{} < {} is needed": (
        "la integral diverge: hacia +∞ una función va como exp({}·t), hacia -∞ la otra como exp({}·t), y hace falta "
        "{} < {}"
    ),
    "the sum diverges: towards +∞ the one sequence goes as exp({}·n), towards -∞ the other as exp({}·n), and "
    "{} < {} is needed": (
        "la suma diverge: hacia +∞ una sucesión va como exp({}·n), hacia -∞ la otra como exp({}·n), y hace falta "
        "{} < {}"
    ),
    "the sum diverges: its terms do not fall as ({})^k should": "la suma diverge: sus términos ({})^k no decaen",
    # what was not found in time, or not compared
    "no answer was found within {} s": "no se encontró una respuesta en {} s",
    "a result was found that numbers could not be held against: they are too large, or cancel": (
        "se encontró un resultado que no se pudo comparar con números: son demasiado grandes, o se cancelan"
    ),
    # why there are no steps
    "there are no steps to a result that was not found: {}": "no hay pasos hacia un resultado que no se encontró: {}",
    "an antiderivative is known of powers times exponentials alone": (
        "solo se conoce una primitiva de potencias por exponenciales"
    ),
    "a part of the integral diverges towards {}": "una parte de la integral diverge hacia {}",
    "no steps lead to this result": "ningún paso lleva a este resultado",
    "only one quadratic form with one other is written in steps": (
        "en pasos solo se escribe una forma cuadrática con otra"
    ),
    "these are not two balls": "no son dos bolas",
    "sums have no antiderivative": "las sumas no tienen primitiva",
    "steps by transforms are written for one variable alone": (
        "los pasos por transformadas solo se escriben para una variable"
    ),
    "steps by transforms are not written for a convolution over a period": (
        "los pasos por transformadas no se escriben para una convolución en un período"
    ),
    "steps by transforms are written for powers times exponentials, and for Gaussians with Gaussians": (
        "los pasos por transformadas se escriben para potencias por exponenciales, y para gaussianas con gaussianas"
    ),
    "steps by transforms need a common strip, but {} < {} is not known to hold": (
        "los pasos por transformadas necesitan una franja común, pero no se sabe si {} < {}"
    ),
    # what did not pass the check
    "{} was found, which is {} at {}, where numeric integration gives {}": (
        "se encontró {}, que vale {} en {}, donde la integración numérica da {}"
    ),
}


def told(reason: str, lang: str) -> str:
    """A reason, which is English, in a language; what is not known is left as it is."""
    if lang != "es":
        return reason
    for pattern, template in _patterns():
        if match := pattern.fullmatch(reason):
            return template.format(*match.groups())
    return reason


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The longest first, since what stands in a shorter one may be the rest of a longer."""
    found = sorted(SPANISH.items(), key=lambda pair: -len(pair[0]))
    return tuple((re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL), s) for english, s in found)
