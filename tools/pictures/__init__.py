"""Takes the pictures of the documents: the terminal, the operators' page, the demo page and Flower, as they are today."""
