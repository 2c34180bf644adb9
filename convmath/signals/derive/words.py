"""The words of a convolution's steps, one entry a step and language; {braces} name mathematics that the step brings."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PHRASES", "STEPS", "TITLES"]

TITLES: Mapping[str, Mapping[str, str]] = {
    "convolution": {"en": "Convolution", "es": "Convolución"},
    "correlation": {"en": "Correlation", "es": "Correlación"},
}

# (name of the rule, what is done and why)
STEPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Define": {
        "en": ("The definition", "{start}{given}"),
        "es": ("La definición", "{start}{given}"),
    },
    "Turn": {
        "en": (
            "As a convolution",
            "We put {minus} in the place of {tau}. The correlation is the convolution of {g} with {h}, which is {f} "
            "conjugated and reflected.",
        ),
        "es": (
            "Como convolución",
            "Ponemos {minus} en lugar de {tau}. La correlación es la convolución de {g} con {h}, que es {f} "
            "conjugada y "
            "reflejada.",
        ),
    },
    "OnePeriod": {
        "en": ("One period", "{f} and {g} are one period of each, and 0 outside. First their convolution {h}:"),
        "es": ("Un período", "{f} y {g} son un período de cada una, y 0 fuera. Primero su convolución {h}:"),
    },
    "Fold": {
        "en": ("Fold", "What goes beyond the period {P} comes back at its beginning, for {interval}:"),
        "es": ("Plegar", "Lo que sobrepasa el período {P} vuelve a su comienzo, para {interval}:"),
    },
    "Flip": {
        "en": (
            "Reflect and shift",
            "As a function of {tau}, {g} is reflected about 0 and shifted by {t}.{support}",
        ),
        "es": (
            "Reflejar y desplazar",
            "Como función de {tau}, {g} se refleja respecto de 0 y se desplaza {t}.{support}",
        ),
    },
    "Sift": {
        "en": (
            "The impulse sifts",
            "{delta} is 0 but for one point, and picks the value of the other function there.{derived}",
        ),
        "es": (
            "El impulso selecciona",
            "{delta} es 0 salvo en un punto, y selecciona el valor de la otra función en él.{derived}",
        ),
    },
    "Overlap": {
        "en": ("Where they overlap", "{which}"),
        "es": ("Dónde se solapan", "{which}"),
    },
    "Integrate": {
        "en": ("{where}", "{how}"),
        "es": ("{where}", "{how}"),
    },
    "CompleteSquare": {
        "en": (
            "Complete the square",
            "The exponents add to a quadratic in {tau}. What does not depend on {tau} stands in front of the "
            "integral, and "
            "{known} for {positive}.",
        ),
        "es": (
            "Completar el cuadrado",
            "Los exponentes suman un polinomio de grado 2 en {tau}. Lo que no depende de {tau} sale de la integral, y "
            "{known} para {positive}.",
        ),
    },
    "Separate": {
        "en": (
            "One variable at a time",
            "Both functions are products of functions of one variable, so that the {integral} is a product too: one "
            "convolution along each axis.{sum}",
        ),
        "es": (
            "Una variable a la vez",
            "Ambas funciones son productos de funciones de una variable, así que también lo es la {integral}: una "
            "convolución a lo largo de cada eje.{sum}",
        ),
    },
    "Along": {
        "en": ("Along {x}", "The convolution of {f} and {h}."),
        "es": ("A lo largo de {x}", "La convolución de {f} y {h}."),
    },
    "NewVariables": {
        "en": (
            "New variables",
            "In the variables {new} the functions part into factors of one variable each. The area element changes by "
            "{size}.",
        ),
        "es": (
            "Nuevas variables",
            "En las variables {new} las funciones se separan en factores de una variable. El elemento de área cambia "
            "en "
            "{size}.",
        ),
    },
    "CompleteForm": {
        "en": (
            "Complete the square",
            "The exponents add to a quadratic form in {r}, with the matrix {S} and the centre {m}. What is left does "
            "not depend "
            "on {r}, and {known}.",
        ),
        "es": (
            "Completar el cuadrado",
            "Los exponentes suman una forma cuadrática en {r}, con la matriz {S} y el centro {m}. Lo que queda no "
            "depende de "
            "{r}, y {known}.",
        ),
    },
    "Lens": {
        "en": (
            "What they have in common",
            "One {ball} stays at the origin, {other} is centred at {r}. The integral is the {size} of what both have "
            "in "
            "common, and depends on the distance {d} of their centres alone.",
        ),
        "es": (
            "Lo que tienen en común",
            "{ball} queda en el origen y {other} se centra en {r}. La integral es {size} de lo que ambos tienen en "
            "común, y "
            "solo depende de la distancia {d} entre sus centros.",
        ),
    },
    "Transform": {
        "en": ("The transforms", "{how}"),
        "es": ("Las transformadas", "{how}"),
    },
    "Multiply": {
        "en": ("Multiply", "The transform of a convolution is the product of the transforms."),
        "es": ("Multiplicar", "La transformada de una convolución es el producto de las transformadas."),
    },
    "Fractions": {
        "en": ("Partial fractions", "The product is a sum of terms with one pole each."),
        "es": ("Fracciones parciales", "El producto es una suma de términos con un solo polo cada uno."),
    },
    "Back": {
        "en": ("Back, term by term", "{how}"),
        "es": ("De vuelta, término a término", "{how}"),
    },
    "Collect": {
        "en": ("Result", "{together}"),
        "es": ("Resultado", "{together}"),
    },
}

PHRASES: Mapping[str, Mapping[str, str]] = {
    "continuous": {
        "en": "We start from the definition: {f} stays, {g} is reflected and shifted by {t}.",
        "es": "Partimos de la definición: {f} se queda, {g} se refleja y se desplaza {t}.",
    },
    "correlation": {
        "en": "We start from the definition: {f} is conjugated and stays, {g} is shifted by {t} and not reflected.",
        "es": "Partimos de la definición: {f} se conjuga y se queda, {g} se desplaza {t} y no se refleja.",
    },
    "periodic": {
        "en": "Both are continued with the period {P}. ",
        "es": "Ambas se continúan con período {P}. ",
    },
    "given": {"en": " Here {conditions}.", "es": " Aquí {conditions}."},
    "support": {
        "en": " {f} is 0 but for {left}, and {g} but for {right}.",
        "es": " {f} es 0 salvo para {left}, y {g} salvo para {right}.",
    },
    "one support": {
        "en": " {f} is 0 but for {left}.",
        "es": " {f} es 0 salvo para {left}.",
    },
    "everywhere": {
        "en": " Neither of them vanishes on an interval.",
        "es": " Ninguna de ellas se anula en un intervalo.",
    },
    "or": {"en": " or ", "es": " o "},
    "derived": {
        "en": " A derivative of it picks a derivative, also of steps.",
        "es": " Una derivada suya selecciona una derivada, también de los escalones.",
    },
    "one": {
        "en": "The product {product} is not 0 only where the supports overlap:",
        "es": "El producto {product} solo es distinto de 0 donde los soportes se solapan:",
    },
    "in order": {
        "en": "The product {product} is not 0 only where the supports overlap. In order of {t}:",
        "es": "El producto {product} solo es distinto de 0 donde los soportes se solapan. En orden de {t}:",
    },
    "added": {
        "en": "The break points have no order for all parameters, so we add: parts that begin at a point overlap "
        "from the "
        "sum of their points on, whatever the order is.",
        "es": "Los puntos de quiebre no tienen un mismo orden para todos los parámetros, así que sumamos: las partes "
        "que "
        "empiezan en un punto se solapan a partir de la suma de sus puntos, cualquiera que sea el orden.",
    },
    "nothing": {"en": "no overlap", "es": "no hay solape"},
    "everything": {"en": "All along {t}", "es": "Para todo {t}"},
    "for": {"en": "The case {interval}", "es": "El caso {interval}"},
    "part": {"en": "The part for {interval}", "es": "La parte para {interval}"},
    "whole part": {"en": "The part for all {t}", "es": "La parte para todo {t}"},
    "primitive": {
        "en": "The integral from one limit to the other, by an antiderivative.",
        "es": "La integral de un límite al otro, por una primitiva.",
    },
    "value": {"en": "The integral in closed form.", "es": "La integral en forma cerrada."},
    "sum": {"en": "The sum in closed form.", "es": "La suma en forma cerrada."},
    "cases": {"en": "The cases together:", "es": "Los casos juntos:"},
    "parts": {"en": "The parts add up:", "es": "Las partes se suman:"},
    "together": {"en": "Together:", "es": "En conjunto:"},
    "this is": {"en": "This is the convolution:", "es": "Esta es la convolución:"},
    "this correlation is": {"en": "This is the correlation:", "es": "Esta es la correlación:"},
    "integral": {"en": "integral", "es": "integral"},
    "a sum": {"en": "sum", "es": "suma"},
    "terms": {
        "en": " The functions are sums of such products, and each meets each.",
        "es": " Las funciones son sumas de tales productos, y cada uno se combina con cada uno.",
    },
    "disc": {"en": "disc", "es": "Un disco"},
    "ball": {"en": "ball", "es": "Una bola"},
    "other disc": {"en": "the other", "es": "el otro"},
    "other ball": {"en": "the other", "es": "la otra"},
    "area": {"en": "area", "es": "el área"},
    "volume": {"en": "volume", "es": "el volumen"},
    "laplace": {
        "en": "Both begin at a point, so each has a Laplace transform for {s} with a large real part.",
        "es": "Ambas empiezan en un punto, así que cada una tiene transformada de Laplace para {s} con parte real "
        "grande.",
    },
    "z": {
        "en": "Both begin at a point, so each has a z-transform for {s} with a large modulus.",
        "es": "Ambas empiezan en un punto, así que cada una tiene transformada z para {s} de módulo grande.",
    },
    "laplace on both sides": {
        "en": "Each has a two-sided Laplace transform, and both exist for {region}.",
        "es": "Cada una tiene transformada bilateral de Laplace, y ambas existen para {region}.",
    },
    "laplace everywhere": {
        "en": "Each has a two-sided Laplace transform for all {s}; for {s} = iω it is Fourier's.",
        "es": "Cada una tiene transformada bilateral de Laplace para todo {s}; para {s} = iω es la de Fourier.",
    },
    "z on both sides": {
        "en": "Each has a two-sided z-transform, and both exist for {region}.",
        "es": "Cada una tiene transformada z bilateral, y ambas existen para {region}.",
    },
    "back to the right": {
        "en": "Each term is the transform of a function that begins at a point.",
        "es": "Cada término es la transformada de una función que empieza en un punto.",
    },
    "back to the whole line": {
        "en": "The exponents add, and each term is the transform of a Gaussian again, with a polynomial where one "
        "stands before it.",
        "es": "Los exponentes se suman, y cada término vuelve a ser la transformada de una gaussiana, con un polinomio "
        "donde lo lleva delante.",
    },
    "back to both sides": {
        "en": "For {region}, each term is the transform of a function that begins at a point, or of one that ends at "
        "one: it falls away from there.",
        "es": "Para {region}, cada término es la transformada de una función que empieza en un punto, o de una que "
        "acaba en uno: decae al alejarse de él.",
    },
}
