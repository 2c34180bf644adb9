"""The words of derivations, one entry a step and language; {braces} name mathematics that the step brings.

A step without its words is a failing test, not a reader's surprise.
"""

from __future__ import annotations

from collections.abc import Mapping

from convmath.errors import unknown

__all__ = ["LANGUAGES", "OUTSIDE", "SELECTIONS", "STEPS", "TITLES", "WORDS", "known_language"]

LANGUAGES = ("en", "es")


def known_language(lang: str) -> str:
    if lang not in LANGUAGES:
        raise unknown("language", lang, LANGUAGES)
    return lang


TITLES: Mapping[str, Mapping[str, str]] = {
    "shape": {"en": "{operator}: the output size", "es": "{operator}: el tamaño de la salida"},
    "vjp": {
        "en": "{operator}: the gradient with respect to {wrt}",
        "es": "{operator}: el gradiente respecto de {wrt}",
    },
    "jvp": {
        "en": "{operator}: the derivative along a tangent of {wrt}",
        "es": "{operator}: la derivada a lo largo de una tangente de {wrt}",
    },
    "hvp": {
        "en": "{operator}: the second derivative, starting from {wrt}",
        "es": "{operator}: la segunda derivada, a partir de {wrt}",
    },
    "solved": {"en": "{operator}: the solved form", "es": "{operator}: la forma resuelta"},
    "composition": {"en": "{operator}: as one sum", "es": "{operator}: como una sola suma"},
    "support": {"en": "{operator}, case by case", "es": "{operator}, caso por caso"},
    "transform": {"en": "{operator}, by transforms", "es": "{operator}, por transformadas"},
    "folding": {"en": "{operator}: as one layer", "es": "{operator}: como una sola capa"},
}

# (name of the rule, what is done and why)
STEPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Start": {
        "en": ("The statement", "We start from the definition."),
        "es": ("La definición", "Partimos de la definición."),
    },
    "ExpandOutside": {
        "en": (
            "What lies outside",
            "{outside}. We write that into the formula: a bracket [P] is 1 where P holds and 0 elsewhere, "
            "and every read that is left lies inside its array.",
        ),
        "es": (
            "Lo que queda fuera",
            "{outside}. Lo escribimos en la fórmula: un corchete [P] vale 1 donde P se cumple y 0 donde no, "
            "y cada lectura que queda cae dentro de su arreglo.",
        ),
    },
    "Select": {
        "en": ("The selected element", "{selection}"),
        "es": ("El elemento seleccionado", "{selection}"),
    },
    "Exchange": {
        "en": (
            "Chain rule: the indices change roles",
            "Let {gY} be the derivative of a loss by the output. Each element of {X} collects {gY} from every "
            "place that reads it: "
            "the output's indices are now summed, and a bracket asks that the place read is the one we "
            "differentiate by.",
        ),
        "es": (
            "Regla de la cadena: los índices cambian de papel",
            "Sea {gY} la derivada de una pérdida respecto de la salida. Cada elemento de {X} reúne {gY} de todos "
            "los lugares que lo leen: "
            "ahora se suma sobre los índices de la salida, y un corchete pide que el lugar leído sea aquel "
            "respecto del cual se deriva.",
        ),
    },
    "Tangent": {
        "en": (
            "Derivative along a tangent",
            "{X} moves by {dX}. Each read of it moves by the tangent at the same place, times the derivative of "
            "the expression by that read.",
        ),
        "es": (
            "Derivada a lo largo de una tangente",
            "{X} se mueve según {dX}. Cada lectura se mueve según la tangente en el mismo lugar, por la derivada "
            "de la expresión respecto de esa lectura.",
        ),
    },
    "SolveUnit": {
        "en": ("Solve for {index}", "{equation} leaves one term of the sum over {index}: {index} is {value}."),
        "es": ("Despejar {index}", "{equation} deja un solo término de la suma sobre {index}: {index} es {value}."),
    },
    "SolveDigits": {
        "en": (
            "Two digits of one number",
            "In {equation} with {range}, {high} and {low} are the quotient and the remainder of a division, so "
            "both are determined: "
            "{high} is {quotient} and {low} is {remainder}.",
        ),
        "es": (
            "Dos cifras de un número",
            "En {equation} con {range}, {high} y {low} son el cociente y el resto de una división, así que ambos "
            "quedan determinados: "
            "{high} es {quotient} y {low} es {remainder}.",
        ),
    },
    "SolveQuotient": {
        "en": (
            "Solve for {index}: the stride must divide",
            "{equation} has a whole solution {index} only where {divides}; then {index} is the quotient, and it "
            "must still lie in its range.",
        ),
        "es": (
            "Despejar {index}: el paso debe dividir",
            "{equation} tiene una solución entera {index} solo donde {divides}; entonces {index} es el cociente, "
            "y aún debe caer en su rango.",
        ),
    },
    "CountTerms": {
        "en": ("Brackets that always hold", "What is left simplifies for all sizes."),
        "es": ("Corchetes que siempre se cumplen", "Lo que queda se simplifica para todos los tamaños."),
    },
    "Fold": {
        "en": (
            "Closed form",
            "The derivatives by the inner values are put in and multiplied out. What the statement has named is called "
            "by its name, sums that cancel go, and what every term shares stands in front.",
        ),
        "es": (
            "Forma cerrada",
            "Se sustituyen las derivadas respecto de los valores intermedios y se desarrolla el producto. Lo que el "
            "enunciado ya nombró se llama por su nombre, las sumas que se anulan desaparecen y el factor común sale "
            "fuera.",
        ),
    },
    "TakeIn": {
        "en": (
            "One sum in the other",
            "{Y} is linear in {P}, and {P} is a sum. We put it in the place of its name, at the position that is read: "
            "what it is summed over is summed over here as well.",
        ),
        "es": (
            "Una suma dentro de la otra",
            "{Y} es lineal en {P}, y {P} es una suma. La ponemos en el lugar de su nombre, en la posición que se lee: "
            "también se suma aquí sobre los índices de esa suma.",
        ),
    },
    "Merge": {
        "en": (
            "Taps that read the same",
            "Taps that read the same element of {X} are added up: {U} is the kernel of one convolution.{lost}",
        ),
        "es": (
            "Posiciones que leen lo mismo",
            "Las posiciones de los núcleos que leen el mismo elemento de {X} se suman: {U} es el núcleo de una sola "
            "convolución.{lost}",
        ),
    },
    "Absorb": {
        "en": (
            "The factor goes into the weight",
            "For each channel {Y} is a multiple of {P} plus a number. The factor goes into the weight {W}, and what is "
            "left into the bias {B}.",
        ),
        "es": (
            "El factor pasa al peso",
            "En cada canal {Y} es un múltiplo de {P} más un número. El factor pasa al peso {W}, y lo que queda, al "
            "sesgo {B}.",
        ),
    },
    "WindowInside": {
        "en": (
            "Which positions there are",
            "Position {j} of the output exists when every tap of its window reads inside the padded input, from "
            "{low} up to, but not including, {high}.",
        ),
        "es": (
            "Qué posiciones hay",
            "La posición {j} de la salida existe cuando toda la ventana lee dentro de la entrada con relleno, "
            "desde {low} hasta {high} sin incluirlo.",
        ),
    },
    "WindowStarts": {
        "en": (
            "Which positions there are (ceil_mode)",
            "Beyond the first, position {j} exists when its window starts before the end padding, and the window "
            "before it did not yet reach the end. "
            "A last window that would start in the end padding is dropped.",
        ),
        "es": (
            "Qué posiciones hay (ceil_mode)",
            "Después de la primera, la posición {j} existe cuando su ventana empieza antes del relleno final y "
            "la ventana anterior aún no llegaba al final. "
            "Una última ventana que empezaría en el relleno final se descarta.",
        ),
    },
    "WindowsCounted": {
        "en": (
            "Which output sizes there are",
            "The operator is the adjoint of a convolution. An output size {m} fits when that convolution has "
            "exactly {n} windows in it: "
            "the last of them lies inside, and one more would not.",
        ),
        "es": (
            "Qué tamaños de salida hay",
            "El operador es el adjunto de una convolución. Un tamaño de salida {m} es posible cuando esa "
            "convolución tiene exactamente {n} ventanas en él: "
            "la última cabe dentro, y una más ya no.",
        ),
    },
    "ExtremeTap": {
        "en": (
            "The last tap decides",
            "The place read grows with the tap, so the whole window is inside when its last tap is.",
        ),
        "es": (
            "La última posición decide",
            "El lugar leído crece con la posición en el núcleo, así que toda la ventana cabe cuando cabe la última.",
        ),
    },
    "Isolate": {
        "en": ("Solve for {unknown}", "{unknown} is a whole number, so the bound may be rounded down."),
        "es": (
            "Despejar {unknown}",
            "{unknown} es un número entero, así que la cota se puede redondear hacia abajo.",
        ),
    },
    "Rearrange": {
        "en": ("Solve for {unknown}", "What does not depend on {unknown} goes to the other side."),
        "es": ("Despejar {unknown}", "Lo que no depende de {unknown} pasa al otro lado."),
    },
    "CountPositions": {
        "en": ("Count", "The positions 0, 1, …, up to that bound are one more than the bound."),
        "es": ("Contar", "Las posiciones 0, 1, …, hasta esa cota son una más que la cota."),
    },
    "ChooseExtra": {
        "en": (
            "Choose one",
            "As many sizes as the stride are possible; the output padding {e} counts on from the least of them (and "
            "goes beyond them where {e} is not below the stride).",
        ),
        "es": (
            "Elegir uno",
            "Hay tantos tamaños posibles como el paso; el relleno de salida {e} cuenta a partir del menor de ellos (y "
            "los sobrepasa donde {e} no es menor que el paso).",
        ),
    },
    "Likewise": {
        "en": ("The other axes", "The same steps lead to the size along each other axis."),
        "es": ("Los demás ejes", "Los mismos pasos llevan al tamaño a lo largo de cada uno de los demás ejes."),
    },
    "Assemble": {
        "en": ("The shape", "Batch and channels come first, then one size an axis: {shape}."),
        "es": ("La forma", "Primero el lote y los canales, luego un tamaño por eje: {shape}."),
    },
    "Substitute": {
        "en": ("At these values", "{values}."),
        "es": ("Con estos valores", "{values}."),
    },
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "shape": {"en": "The shape is {shape}.", "es": "La forma es {shape}."},
    "with": {"en": "With {values}", "es": "Con {values}"},
    "by default": {"en": "not given, and so by default, {values}", "es": "sin decirlo, y por omisión, {values}"},
    "result": {"en": "Result", "es": "Resultado"},
    "for every": {"en": "for every", "es": "para todo"},
    "always": {
        "en": "This always holds and is left out: {guards}.",
        "es": "Esto se cumple siempre y se omite: {guards}.",
    },
    "checked": {
        "en": "Each of the {steps} steps was checked by exact evaluation at random sizes ({cases} checks): {verdict}.",
        "es": "Cada uno de los {steps} pasos se comprobó por evaluación exacta en tamaños al azar ({cases} "
        "comprobaciones): {verdict}.",
    },
    "checked in numbers": {
        "en": "Each of the {steps} steps was checked in numbers at random values ({cases} checks): {verdict}.",
        "es": "Cada uno de los {steps} pasos se comprobó con números en valores al azar ({cases} comprobaciones): "
        "{verdict}.",
    },
    "all hold": {"en": "all hold", "es": "todas se cumplen"},
    "failed": {"en": "NOT all hold", "es": "NO todas se cumplen"},
    "lost": {
        "en": " It also counts positions between the layers that do not exist, where {between} does not hold; what it "
        "has too much is taken away at the end.",
        "es": " Cuenta también posiciones entre las capas que no existen, donde no se cumple {between}; lo que tiene "
        "de más se resta al final.",
    },
    "left over": {
        "en": "Left over: the last {rest} positions of the padded input are read by no window.",
        "es": "Sobrante: las últimas {rest} posiciones de la entrada con relleno no las lee ninguna ventana.",
    },
    "one left over": {
        "en": "Left over: the last position of the padded input is read by no window.",
        "es": "Sobrante: la última posición de la entrada con relleno no la lee ninguna ventana.",
    },
    "nothing left over": {
        "en": "Nothing is left over: the last window ends with the padded input.",
        "es": "No sobra nada: la última ventana termina con la entrada rellenada.",
    },
    "axis": {"en": "Axis {axis}. ", "es": "Eje {axis}. "},
}

# a maximum written as a sum: M, A and t are the letters of `calculus.gradient.select`
SELECTIONS: Mapping[str, Mapping[str, str]] = {
    "first": {
        "en": "The maximum M is attained at some tap of the window, and A is the first such tap. The maximum is "
        "then a sum in which "
        "one tap is left, and a sum can be differentiated.",
        "es": "El máximo M se alcanza en alguna posición de la ventana, y A es la primera de ellas. El máximo es "
        "entonces una suma en la "
        "que queda una sola posición, y una suma se puede derivar.",
    },
    "last": {
        "en": "The maximum M is attained at some tap of the window, and A is the last such tap. The maximum is "
        "then a sum in which "
        "one tap is left, and a sum can be differentiated.",
        "es": "El máximo M se alcanza en alguna posición de la ventana, y A es la última de ellas. El máximo es "
        "entonces una suma en la "
        "que queda una sola posición, y una suma se puede derivar.",
    },
    "split": {
        "en": "The maximum M is attained at A taps of the window. The maximum is then the mean over these taps, "
        "and a mean can be "
        "differentiated: taps that tie share the gradient in equal parts.",
        "es": "El máximo M se alcanza en A posiciones de la ventana. El máximo es entonces el promedio sobre "
        "ellas, y un promedio se puede "
        "derivar: las posiciones empatadas se reparten el gradiente por igual.",
    },
    "all": {
        "en": "The maximum M is attained at one tap of the window, and is then the sum over the taps that attain "
        "it. Where several tie, "
        "each gets the whole gradient: a convention, and no longer a derivative.",
        "es": "El máximo M se alcanza en una posición de la ventana, y es entonces la suma sobre las posiciones "
        "que lo alcanzan. Donde hay "
        "empates, cada una recibe todo el gradiente: una convención, que ya no es una derivada.",
    },
}

# what lies outside an array T; a number is its value
OUTSIDE: Mapping[str, Mapping[str, str]] = {
    "number": {"en": "{T} is {value} outside", "es": "{T} vale {value} fuera"},
    "nothing": {"en": "{T} is not counted outside", "es": "{T} no se cuenta fuera"},
    "circular": {"en": "{T} goes on periodically outside", "es": "{T} continúa periódicamente fuera"},
    "replicate": {"en": "{T} keeps its last value outside", "es": "{T} conserva su último valor fuera"},
    "reflect": {
        "en": "{T} is reflected about its last element outside",
        "es": "{T} se refleja en su último elemento fuera",
    },
    "symmetric": {"en": "{T} is reflected about its edge outside", "es": "{T} se refleja en su borde fuera"},
}
