"""What runs inside a box, under the project's interpreter: Python 3.10 syntax, standard library, pytest and coverage."""
